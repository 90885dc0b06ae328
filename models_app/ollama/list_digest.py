"""One number for a server's whole list of models, to tell whether it is another one now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from models_app.ollama.types import TagEntry

_MODULUS = 2**256


class ListDigest:
    """A sum over the models, so that their order is of no account and none has to be kept."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, entries: Iterable[TagEntry]) -> None:
        """Take in some models; each may come once."""
        for entry in entries:
            line = f"{entry.name.full} {entry.digest} {entry.size}"
            self._sum += int.from_bytes(hashlib.sha256(line.encode()).digest())
        self._sum %= _MODULUS

    def text(self) -> str:
        """64 hex digits."""
        return f"{self._sum:064x}"


def list_digest(entries: Iterable[TagEntry]) -> str:
    """The digest of a list that is there as a whole."""
    digest = ListDigest()
    digest.add(entries)
    return digest.text()
