"""The test's own database as other processes are told of it."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model


def database_url(**options: str) -> str:
    """`OLLAMACTL_DATABASE_URL` of the database behind this test; `options` are libpq's."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    account = f"{quote(database['USER'], safe='')}:{quote(database['PASSWORD'], safe='')}"
    query = f"?{urlencode(options)}" if options else ""
    return f"postgresql://{account}@{database['HOST']}:{database['PORT']}/{database['NAME']}{query}"


def go_on_after(*models: type[Model]) -> None:
    """Let the next ids follow those that a test has given itself, as SQLite does by itself."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
