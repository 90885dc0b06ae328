"""The Celery application: it carries wake-ups and the beat; the task rows are the truth."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")

app = Celery("ollamactl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
