"""Brings the database to this version: refuses a newer one, backs up, migrates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from ollamactl import __version__
from ollamactl.lib.sqlite_space import allow_giving_back

# PostgreSQL's lock for the one process that prepares the database; any number of its own.
PREPARING = 7_305_814_211


def upgrade_database() -> Path | None:
    """Apply the migrations that are missing; returns the backup made before, None without one.

    Raises CommandError with a sentence for a database that is newer than this program or that
    cannot be read, and where there is no room for the backup.
    """
    with _sentences():
        executor = MigrationExecutor(connection)
        refuse_newer(executor)
        if not _missing(executor):
            return None
        backup = back_up() if executor.loader.applied_migrations else None
        call_command("migrate", interactive=False, verbosity=0)
        allow_giving_back()
    return backup


def require_current() -> None:
    """Raise CommandError with a sentence where the database is newer or older than this program,
    for processes that start by themselves; nothing is changed."""
    with _sentences():
        executor = MigrationExecutor(connection)
        refuse_newer(executor)
        if _missing(executor):
            raise CommandError(
                _(
                    "The database is not prepared for version %(version)s of ollamactl. Run "
                    "`ollamactl prepare` once, with all other processes of the panel stopped."
                )
                % {"version": __version__}
            )


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time prepares a shared database; the others wait here. (On SQLite the home
    is locked, and each migration takes the write lock.)"""
    if connection.vendor != "postgresql":
        yield
        return
    with _sentences(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARING])


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise CommandError(
            _("The database %(name)s cannot be used: %(reason)s")
            % {"name": connection.settings_dict["NAME"], "reason": " ".join(str(error).split())}
        ) from error


def _missing(executor: MigrationExecutor) -> bool:
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def refuse_newer(executor: MigrationExecutor) -> None:
    """Raise CommandError where the database has migrations that this program does not know."""
    loader = executor.loader
    ours = loader.migrated_apps
    unknown = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in ours
        and (app, name) not in loader.disk_migrations
        and (app, name) not in loader.replacements
    )
    if unknown:
        raise CommandError(
            _(
                "The database is from a newer version of ollamactl (it has %(migration)s; this is "
                "version %(version)s). Install that version, or restore a backup from %(folder)s."
            )
            % {"migration": unknown[-1], "version": __version__, "folder": backup_folder()}
        )


def back_up() -> Path | None:
    """Copy a SQLite database whole and consistent; None for others, which have tools of their
    own. The oldest copies go once the new one is whole.

    Raises CommandError where there is no room for the copy.
    """
    if connection.vendor != "sqlite":
        return None
    folder = backup_folder()
    target = folder / f"ollamactl-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.sqlite3"
    part = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("ollamactl-*.part*"):  # of a start that was interrupted
            left.unlink()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(part)])
        part.chmod(0o600)
        part.replace(target)
    except (DatabaseError, OSError) as error:
        part.unlink(missing_ok=True)
        raise CommandError(
            _(
                "The database could not be copied to %(folder)s before its migration, so it was "
                "left as it is: %(reason)s. Make room there (%(needed)d MB at most) and start "
                "again."
            )
            % {"folder": folder, "reason": error, "needed": _size() // 10**6 + 1}
        ) from error
    for old in sorted(folder.glob("ollamactl-*.sqlite3"))[: -settings.BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
    return target


def _size() -> int:
    return Path(connection.settings_dict["NAME"]).stat().st_size


def backup_folder() -> Path:
    """Where the copies are."""
    home: Path = settings.HOME
    return home / "backups"
