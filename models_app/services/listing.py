"""What a server lists, beside what the rows say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from models_app.choices import ModelStatus
from models_app.facts import InMemory, tag_facts
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.types import LoadedModel, TagEntry

# Read of each row to see whether anything differs.
COMPARED = (
    "name",
    "digest",
    "size",
    "family",
    "parameter_size",
    "quantization",
    "modified_at",
    "loaded",
)
READ_AT_ONCE = 2000


@dataclass(frozen=True)
class Listing:
    """What a server listed and ran at one moment, `asked_at` (when the question was sent)."""

    tags: list[TagEntry]
    loaded: list[LoadedModel]
    asked_at: datetime = field(default_factory=timezone.now)

    @cached_property
    def by_key(self) -> dict[str, TagEntry]:
        """The entries by normalised name."""
        return {entry.name.key: entry for entry in self.tags}

    @cached_property
    def memory(self) -> InMemory:
        """The models in memory."""
        return InMemory(self.loaded)

    def facts(self, entry: TagEntry) -> dict[str, Any]:
        """What a row of this entry has to say."""
        loaded = self.memory.facts(key=entry.name.key, digest=entry.digest)
        return {**tag_facts(entry), "loaded": loaded}


@dataclass(frozen=True)
class Difference:
    """The names on which rows and listing disagree, sorted; `total` counts all names of both."""

    new: list[str]
    changed: list[str]
    total: int


def differences(server: OllamaServer, listing: Listing) -> Difference:
    """Compare the rows with the listing.

    Takes no lock and keeps nobody waiting: who writes looks at each of these again.
    """
    rows = {key: (status, row) for _server, key, status, row in rows_of([server.pk])}
    new, changed = disagreements(rows, listing)
    return Difference(new, changed, len(rows.keys() | listing.by_key.keys()))


Rows = Mapping[str, tuple[str, dict[str, Any]]]
"""By normalised name: the written status, and what is compared."""


def disagreements(rows: Rows, listing: Listing) -> tuple[list[str], list[str]]:
    """The names that only the listing has, and those of rows that it contradicts, each sorted."""
    new = sorted(listing.by_key.keys() - rows.keys())
    changed = []
    for key, (status, row) in rows.items():
        entry = listing.by_key.get(key)
        if entry is None or _differs(status, row, listing.facts(entry)):
            changed.append(key)
    return new, sorted(changed)


def rows_of(servers: Collection[int]) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Server, normalised name, status and what is compared of each row of these servers."""
    rows = OllamaModel.objects.filter(server__in=servers).order_by()
    values = rows.values_list("server_id", "key", "status", *COMPARED)
    for server_id, key, status, *compared in values.iterator(READ_AT_ONCE):
        yield server_id, key, status, dict(zip(COMPARED, compared, strict=True))


def _differs(status: str, row: dict[str, Any], facts: dict[str, Any]) -> bool:
    modified_at = row["modified_at"]
    said = modified_at.astimezone(UTC).isoformat() if modified_at else None
    resting = ModelStatus.RUNNING if facts["loaded"] else ModelStatus.STOPPED
    return status != resting or {**row, "modified_at": said} != facts
