"""What the beat and the services ask of a worker: look at the servers."""

from __future__ import annotations

from celery import shared_task

from models_app.checks import check_due, read_due_lists
from models_app.discovery import look_for_a_server
from models_app.rates import take_sample
from models_app.services.servers import sync_when_due
from models_app.services.updates import check_updates_when_due


@shared_task(name="models_app.check")
def check() -> None:
    """Check the servers that are due, and look for a first one while there is none."""
    look_for_a_server()
    check_due()


@shared_task(name="models_app.schedule")
def schedule() -> None:
    """Begin the syncs and the look for updates that the settings ask for by now."""
    sync_when_due()
    check_updates_when_due()


@shared_task(name="models_app.read_lists")
def read_lists() -> None:
    """Read the servers' lists of models that are due."""
    read_due_lists()


@shared_task(name="models_app.sample_rate")
def sample_rate() -> None:
    """Keep how fast downloads come now, for the chart of the queue."""
    take_sample()
