"""Brings the database to this version: refuses a newer one, backs up, migrates."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from ollamactl import __version__
from ollamactl.lib.sqlite_space import allow_giving_back

BACKUPS_KEPT = 5


def upgrade_database() -> Path | None:
    """Apply the migrations that are missing; returns the backup made before, None without one.

    Raises CommandError with a sentence for a database that is newer than this program or that
    cannot be read.
    """
    try:
        executor = MigrationExecutor(connection)
        refuse_newer(executor)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return None
        backup = back_up() if executor.loader.applied_migrations else None
        call_command("migrate", interactive=False, verbosity=0)
        allow_giving_back()
    except DatabaseError as error:
        raise CommandError(
            _("The database %(name)s cannot be used: %(reason)s")
            % {"name": connection.settings_dict["NAME"], "reason": error}
        ) from error
    return backup


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
    own. The oldest copies go."""
    if connection.vendor != "sqlite":
        return None
    folder = backup_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / f"ollamactl-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.sqlite3"
    target.unlink(missing_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])
    target.chmod(0o600)
    for old in sorted(folder.glob("ollamactl-*.sqlite3"))[:-BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
    return target


def backup_folder() -> Path:
    """Where the copies are."""
    home: Path = settings.HOME
    return home / "backups"
