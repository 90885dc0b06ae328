"""Bringing the rows of a server's models in line with what the server lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from models_app.choices import ModelStatus, Source
from models_app.events import announce_model, announce_model_removed
from models_app.facts import loaded_of, tag_facts
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.types import LoadedModel, TagEntry
from models_app.services.states import rest_status, take_facts
from tasks_app.choices import LIVE
from tasks_app.logs import delete_logs
from tasks_app.models import Task
from tasks_app.sequence import next_seq

SLICE = 500
# The longest that one transaction of a sync may hold the database's write lock.
SLICE_SECONDS = 0.05


@dataclass(frozen=True)
class Listing:
    """What a server lists and runs at one moment."""

    tags: list[TagEntry]
    loaded: list[LoadedModel]

    def by_key(self) -> dict[str, TagEntry]:
        """The entries by normalised name."""
        return {entry.name.key: entry for entry in self.tags}


@dataclass
class Counts:
    """What a sync did."""

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The task's result."""
        return {
            "added": self.added,
            "updated": self.updated,
            "deleted": self.deleted,
            "unchanged": self.unchanged,
            "conflicts": self.conflicts,
        }


def apply_listing(
    *,
    server: OllamaServer,
    listing: Listing,
    on_conflict: str = "server",
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Make the rows agree with the listing; returns the counts.

    Rows with a live task and failed pulls are left alone: their tasks settle them. With
    `on_conflict` "report" rows that differ (another digest, gone from the server) are listed in
    `conflicts` and left as they are; with "server" the server is right. Written in short
    transactions, so that other writers are never kept waiting; repeating it is harmless.
    """
    counts = Counts()
    listed = listing.by_key()
    known = OllamaModel.objects.filter(server=server).values_list("key", flat=True)
    keys = sorted(listed.keys() | set(known))
    work = _Work(
        server=server, listing=listing, listed=listed, on_conflict=on_conflict, counts=counts
    )
    done = 0
    pending = iter(keys)
    while part := _slice(pending):
        done += work.write(part)
        tell(done, len(keys))
    OllamaServer.objects.filter(pk=server.pk).update(synced_at=timezone.now())
    return counts.as_json()


def _slice(keys: Iterator[str]) -> list[str]:
    return list(islice(keys, SLICE))


@dataclass
class _Work:
    server: OllamaServer
    listing: Listing
    listed: dict[str, TagEntry]
    on_conflict: str
    counts: Counts

    def write(self, keys: list[str]) -> int:
        """Write one slice of names, in transactions of bounded length."""
        position = 0
        while position < len(keys):
            until = time.monotonic() + SLICE_SECONDS
            with transaction.atomic():
                rows = self._locked(keys[position:])
                while position < len(keys):
                    self._write_one(keys[position], rows.get(keys[position]))
                    position += 1
                    if time.monotonic() > until:
                        break
        return len(keys)

    def _locked(self, keys: list[str]) -> dict[str, OllamaModel]:
        rows = (
            OllamaModel.objects.select_for_update(of=("self",))
            .select_related("last_task")
            .filter(server=self.server, key__in=keys)
        )
        return {row.key: row for row in rows}

    def _write_one(self, key: str, row: OllamaModel | None) -> None:
        entry = self.listed.get(key)
        if row is None:
            if entry is not None:
                self._add(key, entry)
            return
        if row.last_task is not None and row.last_task.state in LIVE:
            self.counts.unchanged += 1
        elif entry is None:
            self._missing(row)
        else:
            self._update(row, entry)

    def _add(self, key: str, entry: TagEntry) -> None:
        model = OllamaModel(
            server=self.server,
            name=entry.name.display,
            key=key,
            source=Source(entry.name.source),
            status=ModelStatus.STOPPED,
            seq=next_seq(0),
        )
        take_facts(model, self._facts(entry, key))
        model.status = rest_status(model)
        model.save(force_insert=True)
        self.counts.added += 1
        announce_model(model)

    def _missing(self, row: OllamaModel) -> None:
        if not row.is_installed:  # a failed or cancelled pull: for people to retry or remove
            self.counts.unchanged += 1
        elif self.on_conflict == "report":
            self.counts.conflicts.append({"model": row.pk, "name": row.name, "kind": "gone"})
        else:
            forget_model(row.pk)
            self.counts.deleted += 1

    def _update(self, row: OllamaModel, entry: TagEntry) -> None:
        changed_outside = row.is_installed and row.digest != entry.digest
        if changed_outside and self.on_conflict == "report":
            self.counts.conflicts.append({"model": row.pk, "name": row.name, "kind": "changed"})
            return
        changed = take_facts(row, self._facts(entry, row.key))
        status = rest_status(row)
        if row.status != status:
            row.status, row.message = status, ""
            changed += ["status", "message"]
        if not changed:
            self.counts.unchanged += 1
            return
        row.seq = next_seq(row.seq)
        row.save(update_fields=[*changed, "seq"])
        self.counts.updated += 1
        announce_model(row)

    def _facts(self, entry: TagEntry, key: str) -> dict[str, Any]:
        facts = tag_facts(entry)
        facts["loaded"] = loaded_of(self.listing.loaded, key=key, digest=entry.digest)
        return facts


def forget_model(pk: int) -> None:
    """Remove a model's row, its ended tasks' log files and nothing on the server.

    Call it inside a transaction; the files go once it is committed. Tasks stay as history.
    """
    model = OllamaModel.objects.filter(pk=pk).first()
    if model is None:
        return
    tasks = list(Task.objects.about("model", model.pk))
    transaction.on_commit(lambda: delete_logs(tasks))
    seq, server = model.seq, model.server_id
    model.delete()
    announce_model_removed(pk=pk, seq=seq, server=server)
