"""On a database that locks rows, a family's rows are locked parent first."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from tasks_app import transitions
from tasks_app.claim import claim_next
from tasks_app.families import wait_or_succeed
from tasks_app.models import Task
from tasks_app.slots import CONTROL
from tasks_app.words import ask_to_cancel
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer and no locks of rows"
)
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction keeps its first look
        cursor.execute(BLOCKED)
        return bool(cursor.fetchone()[0])


def test_a_child_that_ends_while_its_parent_is_cancelled_waits_for_its_turn(make: Maker) -> None:
    make("toy.control")
    parent, _more = claim_next(CONTROL, owner="host:1:one")
    assert parent is not None
    make("toy.quick", parent=parent)
    child, _more = claim_next("default", owner="host:1:one")
    assert child is not None
    wait_or_succeed(parent, None, floor=0)
    ends: list[str] = []

    def end_child() -> None:
        ended = transitions.succeed(child, None)
        ends.append(ended.state if ended else "nobody's")
        connection.close()

    thread = threading.Thread(target=end_child)
    with transaction.atomic():
        Task.objects.select_for_update().get(pk=parent.pk)
        thread.start()
        wait_until(blocked, "the child's end waits")
        ask_to_cancel(parent.pk)  # which goes on to the child
    thread.join(20)
    assert ends == ["succeeded"]
    parent.refresh_from_db()
    assert parent.state == "succeeded"
