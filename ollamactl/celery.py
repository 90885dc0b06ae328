"""The Celery application: it carries wake-ups and the beat; the task rows are the truth."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery

from ollamactl.supervisor.stack import WITHOUT_PAGES
from tasks_app.slots import CONTROL

if WITHOUT_PAGES in os.environ:
    gc.disable()  # while a worker loads its modules, which stay: `tasks_app.worker.on_setup`
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
# Django's checks load every page and view; a worker that serves none does without their memory.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("ollamactl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread of a web process, too
app.autodiscover_tasks()


def _every(seconds: float, task: str, *, expires: int) -> dict[str, Any]:
    """A line of the schedule; after `expires` seconds what nobody has begun is of no use."""
    options = {"queue": CONTROL, "expires": expires}
    return {"task": task, "schedule": seconds, "options": options}


app.conf.beat_schedule = {
    "tasks": _every(4.0, "tasks_app.reconcile", expires=4),
    "servers": _every(1.0, "models_app.check", expires=2),
    "lists": _every(1.0, "models_app.read_lists", expires=2),
    "rates": _every(5.0, "models_app.sample_rate", expires=4),
    "schedule": _every(60.0, "models_app.schedule", expires=30),
    "tidying": _every(300.0, "tasks_app.tidy", expires=60),
}
