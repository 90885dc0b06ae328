"""What the broker carries: a wake-up means "look for work", not "do number 7"."""

from __future__ import annotations

from celery import shared_task

from tasks_app import worker
from tasks_app.execution import work_off
from tasks_app.hub import hub
from tasks_app.reconcile import reconcile as reconcile_rows
from tasks_app.tidying import tidy as tidy_up

worker.connect()


@shared_task(name="tasks_app.wake", expires=300)
def wake(queue: str) -> None:
    """Do the work of a queue."""
    work_off(queue)


@shared_task(name="tasks_app.reconcile")
def reconcile() -> None:
    """Set right what crashes left behind; every few seconds, by the beat."""
    here = hub()
    reconcile_rows(here.owner, ends=lambda: here.closing)


@shared_task(name="tasks_app.tidy")
def tidy() -> None:
    """Remove what is older than the settings keep it; every few minutes, by the beat."""
    tidy_up(lambda: hub().closing)
