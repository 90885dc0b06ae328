"""The Celery application: it carries wake-ups and the beat; the task rows are the truth."""

from __future__ import annotations

import gc
import os

from celery import Celery

from ollamactl.supervisor.stack import WITHOUT_PAGES

if WITHOUT_PAGES in os.environ:
    gc.disable()  # while a worker loads its modules, which stay: `tasks_app.worker.on_setup`
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
# Django's checks load every page and view; a worker that serves none does without their memory.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("ollamactl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread of a web process, too
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "tasks": {
        "task": "tasks_app.reconcile",
        "schedule": 4.0,
        "options": {"queue": "control", "expires": 4},
    },
    "servers": {
        "task": "models_app.check",
        "schedule": 1.0,
        "options": {"queue": "control", "expires": 2},
    },
    "lists": {
        "task": "models_app.read_lists",
        "schedule": 1.0,
        "options": {"queue": "control", "expires": 2},
    },
    "rates": {
        "task": "models_app.sample_rate",
        "schedule": 5.0,
        "options": {"queue": "control", "expires": 4},
    },
    "schedule": {
        "task": "models_app.schedule",
        "schedule": 60.0,
        "options": {"queue": "control", "expires": 30},
    },
    "tidying": {
        "task": "tasks_app.tidy",
        "schedule": 300.0,
        "options": {"queue": "control", "expires": 60},
    },
}
