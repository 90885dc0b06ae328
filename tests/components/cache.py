"""Where the components are kept between runs, and the lock that keeps two installs apart."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_dir() -> Path:
    """The folder of the components: ``OLLAMACTL_COMPONENTS``, or one in the user's cache."""
    configured = os.environ.get("OLLAMACTL_COMPONENTS")
    return Path(configured) if configured else Path.home() / ".cache" / "ollamactl-components"


@contextmanager
def install_lock() -> Iterator[Path]:
    """Hold the cache for one process and give its folder."""
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
