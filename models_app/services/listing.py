"""What a server lists, beside what the rows say."""

from __future__ import annotations

from collections.abc import Iterator
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
    unseen = set(listing.by_key)
    changed, count = [], 0
    for key, status, row in _rows(server):
        count += 1
        unseen.discard(key)
        entry = listing.by_key.get(key)
        if entry is None or _differs(status, row, listing.facts(entry)):
            changed.append(key)
    return Difference(sorted(unseen), sorted(changed), count + len(unseen))


def _rows(server: OllamaServer) -> Iterator[tuple[str, str, dict[str, Any]]]:
    rows = OllamaModel.objects.filter(server=server).order_by()
    for key, status, *values in rows.values_list("key", "status", *COMPARED).iterator(READ_AT_ONCE):
        yield key, status, dict(zip(COMPARED, values, strict=True))


def _differs(status: str, row: dict[str, Any], facts: dict[str, Any]) -> bool:
    modified_at = row["modified_at"]
    said = modified_at.astimezone(UTC).isoformat() if modified_at else None
    resting = ModelStatus.RUNNING if facts["loaded"] else ModelStatus.STOPPED
    return status != resting or {**row, "modified_at": said} != facts
