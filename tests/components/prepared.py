"""Homes as a first start leaves them: with a migrated database, keys and an administrator.

All the migrations take 5 s of a processor, more than all else of a start. A test that is not about
the first start begins with a copy of a home that was prepared once in this run.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import child_environment
from ollamactl.supervisor.home import prepare_home
from ollamactl.supervisor.preparation import note_prepared

# The settings of the suite name a folder that its processes share and that goes with them.
SHARED = "OLLAMACTL_TEST_HOME"


def copy_prepared(home: Path) -> None:
    """Make the folder `home` out of the prepared one."""
    shutil.copytree(_prepared(), home)


def _prepared() -> Path:
    folder = _shared_folder()
    home = folder / "prepared"
    with (folder / "preparing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _prepare(folder / "p").rename(home)
    return home


def _prepare(home: Path) -> Path:
    """What `ollamactl up` does before its processes start."""
    config = Config.from_environ({"OLLAMACTL_HOME": str(home), "OLLAMACTL_LANGUAGE": "en"})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OLLAMACTL_")}
    prepare_home(config)
    command = [sys.executable, "-m", "django", "bootstrap"]
    subprocess.run(command, env=child_environment(config, kept), check=True, capture_output=True)
    note_prepared(config, "")
    return home


def _shared_folder() -> Path:
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="octl-")
        atexit.register(shutil.rmtree, os.environ[SHARED], ignore_errors=True)
    return Path(os.environ[SHARED])
