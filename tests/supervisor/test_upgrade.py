"""The database at a start: made, backed up before a migration, refused when it is newer."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import child_environment
from ollamactl.supervisor.home import prepare_home
from ollamactl.supervisor.preparation import NOTE, is_prepared, note_prepared
from tests.components.panel import clean_environment
from tests.components.prepared import copy_prepared

MakeConfig = Callable[..., Config]


def django(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env=child_environment(config, clean_environment(config.home)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def query(config: Config, statement: str) -> list[Any]:
    with closing(sqlite3.connect(config.home / "ollamactl.sqlite3")) as connection, connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def config(make_config: MakeConfig) -> Config:
    """A home whose database was made."""
    made = make_config()
    copy_prepared(made.home)
    return made


def test_first_start_makes_the_administrator_and_the_password(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    assert django(config, "bootstrap").returncode == 0
    password = config.home / "initial-password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert len(password.read_text().strip()) >= 16
    assert query(config, "SELECT username, is_superuser FROM auth_user") == [("admin", 1)]
    assert not (config.home / "backups").exists()


def test_second_start_changes_nothing(config: Config) -> None:
    password = (config.home / "initial-password").read_text()
    again = django(config, "bootstrap")
    assert (again.returncode, again.stdout) == (0, "")
    assert (config.home / "initial-password").read_text() == password


def test_database_of_an_older_version_is_copied_before_it_is_migrated(config: Config) -> None:
    assert django(config, "migrate", "axes", "0009").returncode == 0
    upgraded = django(config, "bootstrap")
    assert upgraded.returncode == 0, upgraded.stderr
    backup = next((config.home / "backups").iterdir())
    assert str(backup) in upgraded.stdout
    assert backup.stat().st_mode & 0o777 == 0o600
    newest = "SELECT max(name) FROM django_migrations WHERE app = 'axes'"
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute(newest).fetchone()[0].startswith("0009")
        assert copy.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
    assert query(config, newest)[0][0] > "0010"


def test_database_of_a_newer_version_is_refused(config: Config) -> None:
    query(
        config,
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('models_app', '0999_from_the_future', '2030-01-01')",
    )
    refused = django(config, "bootstrap")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "CommandError: The database is from a newer version of ollamactl "
        "(it has models_app.0999_from_the_future"
    )
    assert refused.stderr.count("\n") == 1


def test_file_that_is_no_database_is_refused(config: Config) -> None:
    (config.home / "ollamactl.sqlite3").write_bytes(b"something else" * 1000)
    refused = django(config, "bootstrap")
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: The database ")
    assert "file is not a database" in refused.stderr


def test_preparation_is_skipped_only_while_nothing_has_changed(config: Config) -> None:
    (config.run_dir / NOTE).unlink()
    assert not is_prepared(config, "")
    note_prepared(config, "")
    assert is_prepared(config, "")
    assert not is_prepared(config, "http://127.0.0.1:1")

    query(config, "DELETE FROM auth_user_groups")
    query(config, "DELETE FROM auth_user")
    assert not is_prepared(config, "")
    assert django(config, "bootstrap").returncode == 0
    note_prepared(config, "")
    assert is_prepared(config, "")

    assert django(config, "migrate", "axes", "0009").returncode == 0
    assert not is_prepared(config, "")


def test_preparation_is_never_skipped_for_another_database(make_config: MakeConfig) -> None:
    config = make_config(OLLAMACTL_DATABASE_URL="postgres://user@localhost/panel")
    prepare_home(config)
    note_prepared(config, "")
    assert not is_prepared(config, "")
