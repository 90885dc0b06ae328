"""Replace the key that encrypts the stored secrets."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction

from ollamactl.lib.crypto import EncryptedJSONField, add_key, drop_old_keys


class Command(BaseCommand):
    """Make a new key, encrypt every secret with it, then forget the older keys.

    It may be killed at any moment and run again: until the last step every key still decrypts.
    """

    help = "Encrypt the stored secrets with a new key and forget the older ones."

    def handle(self, *args: Any, **options: Any) -> None:
        add_key()
        count = sum(
            self._encrypt(model, field.name)
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if isinstance(field, EncryptedJSONField)
        )
        drop_old_keys()
        self.stdout.write(f"Encrypted {count} secrets with a new key.")

    def _encrypt(self, model: Any, field: str) -> int:
        count = 0
        for pk in model.objects.exclude(**{field: ""}).values_list("pk", flat=True):
            with transaction.atomic():
                row = model.objects.select_for_update().only(field).filter(pk=pk).first()
                if row is not None:
                    row.save(update_fields=[field])
                    count += 1
        return count
