"""Secrets at rest: a model field that is encrypted with the keys of the home folder."""

from __future__ import annotations

import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

KEYS_FILE = "fernet"

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField  # only the stubs make it generic


def keys_path() -> Path:
    """The file with the keys, one a line, the newest first."""
    return Path(settings.KEYS) / KEYS_FILE


@lru_cache(maxsize=8)
def _cipher(path: Path, modified: int) -> MultiFernet:
    return MultiFernet([Fernet(line) for line in path.read_text().split()])


def cipher() -> MultiFernet:
    """Encrypts with the newest key, decrypts with any. The first key is made at the first use."""
    path = keys_path()
    if not path.exists():
        add_key()
    return _cipher(path, path.stat().st_mtime_ns)


def add_key() -> None:
    """Put a new key in front. Older ones stay, so that what they encrypted can be read."""
    path = keys_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    old = path.read_text() if path.exists() else ""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(Fernet.generate_key().decode() + "\n" + old)
        file.flush()
        os.fsync(file.fileno())
    if old:
        Path(temporary).replace(path)
        return
    try:
        os.link(temporary, path)  # two processes at the first start: one key counts
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()


def drop_old_keys() -> None:
    """Keep the newest key alone; what an older one encrypted can no longer be read."""
    path = keys_path()
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(path.read_text().split()[0] + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


class EncryptedJSONField(TextField):
    """JSON that only this panel can read. Empty values are stored as an empty text."""

    if TYPE_CHECKING:  # what may be assigned and what is read, for the stubs' plugin
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> str:
        if not value:
            return ""
        return cipher().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return {}
        try:
            return json.loads(cipher().decrypt(value.encode()))
        except InvalidToken:
            return {}  # the key is gone: the secret has to be given again

    def to_python(self, value: Any) -> Any:
        return value or {}
