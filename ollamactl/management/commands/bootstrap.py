"""Prepare the database for a start; nothing happens where it is ready."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from audit_app.actors import SYSTEM
from audit_app.passwords import FIRST_USER, create_first_administrator
from models_app.models import OllamaServer
from models_app.services.servers import add_server, update_server
from ollamactl.cli.text import language
from ollamactl.management.upgrade import alone, require_current, upgrade_database

DEMO_SERVER = "Demo (simulated)"


class Command(BaseCommand):
    """Migrate, make the first administrator and the file with the first password."""

    help = "Migrate the database (after a backup) and make the first administrator."
    # They would run before the migration that mends what they find.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo-url", help=f"where the server “{DEMO_SERVER}” answers")
        parser.add_argument("--check", action="store_true", help="only say whether it is ready")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(language()):  # a refusal is read by who started the panel
            if options["check"]:
                require_current()
                return
            with alone():
                self._prepare(options["demo_url"])

    def _prepare(self, demo_url: str | None) -> None:
        backup = upgrade_database()
        if backup:
            self.stdout.write(f"The database was copied to {backup} before its migration.")
        if create_first_administrator():
            self.stdout.write(f"Made the user {FIRST_USER}.")
        if demo_url:
            self._have_demo_server(demo_url)

    def _have_demo_server(self, url: str) -> None:
        server = OllamaServer.objects.filter(name=DEMO_SERVER).first()
        if server is None:
            add_server(actor=SYSTEM, name=DEMO_SERVER, base_url=url)
        elif server.base_url != url:
            update_server(actor=SYSTEM, server=server, base_url=url)
