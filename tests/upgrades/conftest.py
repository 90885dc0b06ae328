"""Homes of earlier releases, and Django's commands on them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import child_environment
from tests.components.panel import clean_environment
from tests.upgrades.make_first_release import SIMULATOR

RELEASE = Path(__file__).with_name("first_release")
# The rows of the fixture grow older, and must not be too old one day.
KEPT = {f"OLLAMACTL_KEEP_{kind}_DAYS": "0" for kind in ("TASKS", "AUDIT", "LOGINS", "TOKENS")}

Restore = Callable[..., dict[str, Any]]


@pytest.fixture
def restore_first_release() -> Restore:
    """``restore(home, url)``: the home of the first release, whose server answers at `url`.

    Returns its facts: the token of a user, the server's secret, and the tasks by their state.
    """

    def restore(home: Path, url: str = SIMULATOR) -> dict[str, Any]:
        home.mkdir(mode=0o700, exist_ok=True)
        for name in ("keys", "task-logs"):
            shutil.copytree(RELEASE / name, home / name)
        dump = (RELEASE / "database.sql").read_text().replace(SIMULATOR, url)
        with closing(sqlite3.connect(home / "ollamactl.sqlite3")) as database:
            database.executescript(dump)
        facts: dict[str, Any] = json.loads((RELEASE / "facts.json").read_text())
        return facts

    return restore


def command(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m django …` with the panel's settings on a home."""
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env=environment_of(home, **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def environment_of(home: Path, **settings: str) -> dict[str, str]:
    """The environment of the panel's processes on a home."""
    environ = clean_environment(home, **KEPT, **settings)
    config = Config.from_environ(environ)
    return {**child_environment(config, environ), **settings}


def ask(home: Path, expression: str, **settings: str) -> Any:
    """What an expression over the panel's models is, as JSON."""
    script = (
        "import json; from audit_app.models import *; from models_app.models import *; "
        "from tasks_app.models import *; from models_app.invariants import broken_rules; "
        f"print('>', json.dumps({expression}))"
    )
    done = command(home, "shell", "--no-imports", "-v", "0", "-c", script, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("> ")[2])
