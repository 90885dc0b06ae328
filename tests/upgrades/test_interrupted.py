"""Upgrades that do not come to their end leave a database that works."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.components.waiting import free_port
from tests.upgrades.conftest import Restore, command, environment_of

KILLED = {"DJANGO_SETTINGS_MODULE": "tests.upgrades.interrupted.settings"}
RECORDS = "SELECT id, verb FROM audit_app_auditrecord ORDER BY id"


@pytest.fixture
def home(tmp_path: Path, restore_first_release: Restore) -> Path:
    """The home of the first release."""
    restore_first_release(tmp_path / "home")
    return tmp_path / "home"


def query(home: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(home / "ollamactl.sqlite3")) as connection:
        return connection.execute(statement).fetchall()


def tables(home: Path) -> set[str]:
    return {name for (name,) in query(home, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_killed_migration_is_undone_and_made_at_the_next_start(home: Path) -> None:
    records = query(home, RECORDS)
    assert len(records) > 5
    killed = command(home, "bootstrap", **KILLED)
    assert killed.returncode == -signal.SIGKILL
    # The first migration of the app is done; of the second nothing is left.
    assert "interrupted_first" in tables(home)
    assert "interrupted_second" not in tables(home)
    assert query(home, "PRAGMA integrity_check") == [("ok",)]
    assert query(home, RECORDS) == records

    again = command(home, "bootstrap", INTERRUPTED_GOES_ON="yes", **KILLED)
    assert again.returncode == 0, again.stderr
    assert {"interrupted_first", "interrupted_second"} <= tables(home)
    assert query(home, RECORDS) == []


def test_a_full_disk_stops_the_upgrade_before_anything_is_changed(home: Path) -> None:
    migrations = query(home, "SELECT app, name FROM django_migrations")
    refused = _with_small_files(home, "bootstrap")
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: The database could not be copied to ")
    assert refused.stderr.count("\n") == 1
    assert "Make room there" in refused.stderr
    assert query(home, "SELECT app, name FROM django_migrations") == migrations
    assert list((home / "backups").iterdir()) == []

    assert command(home, "bootstrap").returncode == 0
    assert len(list((home / "backups").iterdir())) == 1


@pytest.mark.parametrize("verb", ["up", "web", "worker", "prepare"])
def test_a_newer_database_is_refused_with_one_sentence(home: Path, verb: str) -> None:
    with closing(sqlite3.connect(home / "ollamactl.sqlite3")) as connection, connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('tasks_app', '0999_from_the_future', '2030-01-01')"
        )
    refused = _ollamactl(home, verb)
    assert refused.returncode == 1
    (last,) = [line for line in refused.stderr.splitlines() if line.startswith("ollamactl: ")]
    assert last.startswith("ollamactl: The database is from a newer version of ollamactl (it has ")
    assert not (home / "backups").exists()


@pytest.mark.parametrize("verb", ["web", "worker"])
def test_processes_that_start_alone_do_not_touch_an_older_database(home: Path, verb: str) -> None:
    migrations = query(home, "SELECT app, name FROM django_migrations")
    refused = _ollamactl(home, verb)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "Run `ollamactl prepare` once" in refused.stderr
    assert query(home, "SELECT app, name FROM django_migrations") == migrations


def test_backups_are_kept_to_the_number_of_the_setting(home: Path) -> None:
    folder = home / "backups"
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"ollamactl-2020010{day}T000000Z.sqlite3").touch()
    (folder / "ollamactl-20200106T000000Z.part").touch()  # of a start that was killed
    assert command(home, "bootstrap", OLLAMACTL_KEEP_BACKUPS="3").returncode == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == [f"ollamactl-2020010{day}T000000Z.sqlite3" for day in (4, 5)]
    assert len(names) == 3


def _ollamactl(home: Path, verb: str) -> subprocess.CompletedProcess[str]:
    environment = environment_of(
        home, OLLAMACTL_LANGUAGE="en", OLLAMACTL_BIND=f"127.0.0.1:{free_port()}"
    )
    return subprocess.run(
        [sys.executable, "-m", "ollamactl", verb],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _with_small_files(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file of more than 100 kB, as on a disk that is full."""
    limit: Callable[[], None] = lambda: resource.setrlimit(  # noqa: E731 - for `preexec_fn`
        resource.RLIMIT_FSIZE, (100_000, 100_000)
    )
    # What measures coverage would complain of the full disk, too.
    environment = {
        name: value
        for name, value in environment_of(home).items()
        if not name.startswith("COVERAGE_")
    }
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=limit,
        cwd=os.fspath(home),
    )
