"""The environment of the panel's processes."""

import os
from collections.abc import Mapping
from pathlib import Path

import ollamactl
from ollamactl.settings.env import Config
from ollamactl.supervisor.leftovers import MARK

# Where the panel's packages are: the checkout, or the folder of installed packages.
PROJECT = Path(ollamactl.__file__).resolve().parents[1]
SETTINGS = "ollamactl.settings.base"


def child_environment(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with what the command line decided; logs are JSON, which the supervisor turns into
    the format that was asked for."""
    # Some images set it; each process of each start would then compile 1,400 files anew.
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    search_path = [str(PROJECT), *filter(None, [environ.get("PYTHONPATH")])]
    return {
        # Each of a worker's many threads would get an arena of its own, and keep what it once held.
        "MALLOC_ARENA_MAX": "2",
        **kept,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "OLLAMACTL_HOME": str(config.home),
        "OLLAMACTL_BIND": f"{config.bind_host}:{config.bind_port}",
        "OLLAMACTL_LOG_FORMAT": "json",
        "PYTHONPATH": os.pathsep.join(search_path),
        "PYTHONUNBUFFERED": "1",
        MARK: str(config.home),
    }
