"""The panel's Celery application with the toys: what the real workers of the tests run."""

from __future__ import annotations

from ollamactl.celery import app

app.conf.imports = ["tests.tasks.toys"]
