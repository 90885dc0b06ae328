"""Whether the rows of tasks and models contradict themselves."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from models_app.host_models import HostReport
from models_app.invariants import broken_rules

NEWEST = 10_000
SHOWN = 20
PAUSE = 1.0  # seconds
SECRET = ("server__credentials",)  # is not needed here, nor the key that reads it


class Command(BaseCommand):
    """Print JSON: `count` and the first sentences, `broken`, of rows that break a rule; of workers
    on servers' hosts how many `report`, and `silent`, the servers of those that fell silent, and
    `rivals`, the servers for which two report.

    A panel that runs changes rows while they are read: only what is still so after a moment counts.
    """

    help = "Check the newest rows of tasks and models against the rules they must follow."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            broken = broken_rules(NEWEST)
            if broken:
                time.sleep(PAUSE)
                again = set(broken_rules(NEWEST))
                broken = [sentence for sentence in broken if sentence in again]
            reports = list(HostReport.objects.with_age().select_related("server").defer(*SECRET))
        except DatabaseError as error:
            raise CommandError(str(error)) from error
        silent = [str(report.server) for report in reports if not report.is_fresh]
        rivals = [str(report.server) for report in reports if report.has_rival]
        found = {
            "count": len(broken),
            "broken": broken[:SHOWN],
            "reports": len(reports),
            "silent": silent[:SHOWN],
            "rivals": rivals[:SHOWN],
        }
        self.stdout.write(json.dumps(found))
