"""A Celery worker's start and end."""

from __future__ import annotations

import gc
import logging
import threading
from datetime import timedelta
from typing import Any

from celery.signals import celeryd_after_setup, worker_ready, worker_shutting_down
from django.db import DatabaseError
from django.db.models import Q

from ollamactl.lib.connections import close_connections
from ollamactl.lib.figures import report_as
from tasks_app import sign_of_life
from tasks_app.choices import State
from tasks_app.clock import from_now
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.querysets import IN_ORDER
from tasks_app.reconcile import reconcile
from tasks_app.slots import slots
from tasks_app.ticker import worker_ticker

logger = logging.getLogger(__name__)

NAMED = 20  # tasks in one line of the log


def connect() -> None:
    """Hear of the worker's start and end; called once, where Celery's tasks are defined."""
    celeryd_after_setup.connect(on_setup, dispatch_uid="tasks_app.setup")
    worker_ready.connect(on_ready, dispatch_uid="tasks_app.ready")
    worker_shutting_down.connect(on_shutting_down, dispatch_uid="tasks_app.shutdown")


def on_setup(instance: Any = None, **kwargs: Any) -> None:
    """Everything is loaded, and the size of the pool is known."""
    gc.enable()
    gc.freeze()
    slots.set_threads(int(instance.concurrency))


def on_ready(**kwargs: Any) -> None:
    """The worker can work: it takes back what a dead predecessor held, looks for work, ticks."""
    sign_of_life.start()
    threading.Thread(target=_begin, name="begin", daemon=True).start()
    ticker = worker_ticker()
    worker_shutting_down.connect(lambda **kwargs: ticker.stop(), weak=False)
    ticker.start()
    reporter = report_as("worker")
    worker_shutting_down.connect(lambda **kwargs: reporter.stop(), weak=False)


def on_shutting_down(**kwargs: Any) -> None:
    """SIGTERM: every task goes back to the queue."""
    sign_of_life.stop()
    hub().release_all()


def _say_what_goes_on() -> None:
    """Log what an end of its worker has interrupted and what goes on now."""
    goes_on = Q(state=State.QUEUED, interrupted_at__isnull=False) | Q(
        state=State.RUNNING, resumed_at__gte=from_now(-timedelta(seconds=10))
    )
    found = Task.objects.filter(goes_on).order_by(*IN_ORDER)
    names = [str(task) for task in found[: NAMED + 1]]
    if names:
        more = ", …" if len(names) > NAMED else ""
        logger.info("Resumed after a restart: %s%s", ", ".join(names[:NAMED]), more)


def _begin() -> None:
    try:
        reconcile(hub().owner, ends=lambda: True)  # the first tick goes on with what takes long
        _say_what_goes_on()
    except DatabaseError as error:
        logger.warning("The rows cannot be looked at yet: %s", error)
    finally:
        close_connections()
