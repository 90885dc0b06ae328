"""Tell the panel of this machine, as the host of one of its servers."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from models_app.host_worker import report_until, server_named
from ollamactl.cli.text import language
from ollamactl.lib.errors import NotFound

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """What `ollamactl worker --host-of SERVER` becomes; SIGTERM ends it in order."""

    help = "Report this machine's disk, memory and GPUs as those of a server's host."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server", help="the server's name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with translation.override(language()):  # a refusal is read by who started the worker
            try:
                self._report(options["server"], stop)
            except NotFound as error:
                self.stderr.write(f"ollamactl: {error.detail}")
                sys.exit(1)

    def _report(self, name: str, stop: threading.Event) -> None:
        server = server_named(name)
        every = settings.HOST_REPORT_SECONDS
        logger.info("Reporting this host as that of the server %s every %g s", server, every)
        report_until(stop, server)
        logger.info("No more reports of this host")
