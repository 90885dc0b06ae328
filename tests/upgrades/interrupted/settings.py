"""The panel with one more app, whose second migration is killed half-way."""

from __future__ import annotations

from ollamactl.settings.base import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.upgrades.interrupted"]  # noqa: F405
