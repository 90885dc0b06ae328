"""Prepare a home folder for its first start; nothing happens at later ones."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit_app.passwords import FIRST_USER, create_first_administrator


class Command(BaseCommand):
    """Make the first administrator and the file with the first password."""

    help = "Make the first administrator when there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        if create_first_administrator():
            self.stdout.write(f"Made the user {FIRST_USER}.")
