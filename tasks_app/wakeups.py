"""Wake-ups: expendable broker messages that tell a worker to look for work."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from celery import Task as CeleryTask
from django.db import connection, transaction

from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.slots import CONTROL

logger = logging.getLogger(__name__)

LOOK_EXPIRES_S = 4  # the next tick has looked by then


def wake_on_commit(queue: str) -> None:
    """Wake a worker of the queue once the transaction is committed: one, however many tasks it has
    made, since whoever claims one calls for the next."""
    if all(getattr(hook, "queue", None) != queue for _ids, hook, _robust in _due()):
        transaction.on_commit(Wake(queue))


@dataclass(frozen=True)
class Wake:
    """A wake-up that is due at the end of a transaction."""

    queue: str

    def __call__(self) -> None:
        send_wake(self.queue)


def _due() -> list[Any]:
    """What this transaction will do when it is committed; what was rolled back is no part of it."""
    return connection.run_on_commit if connection.in_atomic_block else []


def send_wake(queue: str) -> None:
    """Wake a worker of the queue now.

    A broker that does not answer is no error: the reconciler sends again, from the rows.
    """
    from tasks_app.tasks import wake

    send_quietly(wake, (queue,), queue=queue)


def send_look() -> None:
    """Let the reconciler look now for what somebody has left to it, not at its next tick."""
    from tasks_app.tasks import reconcile

    send_quietly(reconcile, queue=CONTROL, expires=LOOK_EXPIRES_S)


def look_on_commit() -> None:
    """`send_look` once the transaction is committed: one, however often it is asked for."""
    if send_look not in [hook for _ids, hook, _robust in _due()]:
        transaction.on_commit(send_look)


def send_quietly(
    task: CeleryTask[Any, Any], args: tuple[Any, ...] = (), *, queue: str, **options: Any
) -> None:
    """Send a message that may get lost: what it asks for is looked for again anyway.

    `options` are those of Celery's `apply_async`.
    """
    try:
        task.apply_async(args, queue=queue, **options)
    except Exception as error:  # whatever a broker's client raises
        logger.warning("No worker could be woken; the work waits for the next look: %s", error)


def wake_where_room(limit_key: str, *, but: str) -> None:
    """Wake the other queues in which tasks wait for room under this key."""
    queues = Task.objects.filter(limit_key=limit_key, state=State.QUEUED).exclude(queue=but)
    for queue in queues.order_by().values_list("queue", flat=True).distinct():
        send_wake(queue)
