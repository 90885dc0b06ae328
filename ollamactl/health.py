"""Whether the panel lives, and whether it can work."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks_app.sign_of_life import worker_answers

OK = "ok"
_lock = Lock()
_migrated = Event()


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers."""
    return JsonResponse({"status": OK})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database is migrated and Valkey and a worker answer; else 503 and who does not.

    A server of models that is down is no matter of it.
    """
    checks = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == OK for answer in checks.values())
    body = {"status": OK if ready else "unavailable", "checks": checks}
    response = JsonResponse(body, status=200 if ready else 503)
    response["Cache-Control"] = "no-store"
    return response


def database() -> str:
    """`ok`, or what is wrong with the database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return OK if is_migrated() else _("The database has to be migrated.")
    except DatabaseError:
        return _("The database does not answer.")


def is_migrated() -> bool:
    """Whether no migration is left; once true it stays true for this process."""
    with _lock:
        if not _migrated.is_set():
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                _migrated.set()
        return _migrated.is_set()


def forget_migrations() -> None:
    """Look at the migrations again at the next question."""
    _migrated.clear()


def valkey() -> str:
    """`ok`, or what is wrong with Valkey."""
    client = redis.Redis.from_url(settings.VALKEY_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return _("Valkey does not answer.")
    finally:
        client.close()
    return OK


def worker() -> str:
    """`ok`, or that no worker has given a sign of life lately."""
    return OK if worker_answers() else _("No worker answers.")


CHECKS: dict[str, Callable[[], str]] = {"database": database, "valkey": valkey, "worker": worker}
