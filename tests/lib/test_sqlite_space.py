"""The space of removed rows goes back to the disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.components.panel import clean_environment

WORK = """
import json, django
django.setup()
from pathlib import Path
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from audit_app.models import AuditRecord
from ollamactl.lib.sqlite_space import give_back_space
from ollamactl.management.upgrade import upgrade_database

path = Path(connection.settings_dict["NAME"])
def size():
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size

upgrade_database()
empty = size()
for _round in range(30):
    AuditRecord.objects.bulk_create(
        AuditRecord(verb="test", origin="system", data={"text": "x" * 1000}) for _row in range(500)
    )
full = size()
AuditRecord.objects.all().delete()
given = give_back_space(lambda: False)
print(json.dumps({"empty": empty, "full": full, "after": size(), "given": given}))
"""


def run(home: Path, code: str) -> dict[str, int]:
    """What the program says, in an environment with this home."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean_environment(home), "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("is_older", [False, True], ids=["new", "of an earlier version"])
def test_the_file_shrinks_after_a_great_removal(tmp_path: Path, is_older: bool) -> None:
    if is_older:
        with closing(sqlite3.connect(tmp_path / "ollamactl.sqlite3")) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE something (id INTEGER)")
            database.commit()
            assert database.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    found = run(tmp_path, WORK)
    assert found["full"] > found["empty"] + 10_000_000
    assert found["given"] > 2000  # pages
    # A tenth, or some pages, are kept for the next rows.
    assert found["after"] < found["empty"] + 6_000_000
