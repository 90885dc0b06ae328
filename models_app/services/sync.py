"""Bringing the rows of a server's models in line with what the server lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils import timezone

from models_app.choices import Source
from models_app.conflict_models import LIVE_STATES, ConflictState, Settlement, SyncConflict
from models_app.events import announce_model, announce_model_removed
from models_app.mirror import SKEW, ended_since
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.list_digest import list_digest
from models_app.ollama.names import ModelName
from models_app.ollama.types import TagEntry
from models_app.past import let_outlast, take_back, waiting_for_names
from models_app.services.differing import Conflicts, Policy
from models_app.services.listing import Listing, differences
from models_app.services.states import fields_of_new, save_model, status_now, take_facts
from ollamactl.lib.bulk import insert_together
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.pace import Pace
from ollamactl.lib.turns import writing_turn
from tasks_app.choices import LIVE, State
from tasks_app.log_files import remove_log_files
from tasks_app.models import Task
from tasks_app.sequence import next_seq

# Names in one transaction, and the longest that it may hold the database's write lock.
SLICE = 1000
FIRST_SLICE = 100
LEAST = 100  # of fewer, most of the time would go into what each transaction costs
SLICE_SECONDS = 0.08
# Beyond this one new model of each slice is announced: a list asks for itself anyway.
MOST_ANNOUNCED = 500
# What a server reports in one task's result.
MOST_CONFLICTS = 1000


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
            "conflicts": self.conflicts[:MOST_CONFLICTS],
        }


def apply_listing(
    *,
    server: OllamaServer,
    listing: Listing,
    policy: Policy | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Make the rows agree with the listing; returns the counts.

    Rows with a live task and failed pulls are left alone: their tasks settle them; so is what a
    task has changed since the listing was asked for. The `policy` says what becomes of rows that
    differ (another digest, gone from the server): see `differing`. Without one the server is right.
    Written in short transactions with pauses between, so that other writers are never kept waiting;
    repeating it is harmless.
    """
    difference = differences(server, listing)
    work = _Work(server, listing, Conflicts(server, policy or Policy()))
    settled = difference.total - len(difference.new) - len(difference.changed)
    work.counts.unchanged = settled
    for keys, write in ((difference.new, work.add), (difference.changed, work.change)):
        for written in _in_slices(keys, write):
            settled += written
            tell(settled, difference.total)
    work.conflicts.finish()
    work.counts.conflicts = work.conflicts.found
    tell(difference.total, difference.total)
    synced: dict[str, Any] = {"synced_at": timezone.now()}
    if not work.left_some:
        synced |= {"tags_hash": list_digest(listing.tags), "tags_seen_at": timezone.now()}
    OllamaServer.objects.filter(pk=server.pk).update(**synced)
    return work.counts.as_json()


def _in_slices(keys: list[str], write: Callable[[list[str]], int]) -> Iterator[int]:
    """Write some names at a time, as many as fit into the time; yields how many were written."""
    pace = Pace(first=FIRST_SLICE, least=LEAST, most=SLICE, seconds=SLICE_SECONDS)
    position = 0
    while position < len(keys):
        with writing_turn():  # waiting for it is no time of ours
            pace.begin()
            written = write(keys[position : position + pace.size])
            pace.end(written)
        position += written
        yield written
        if position < len(keys):
            pace.rest()


@dataclass
class _Work:
    server: OllamaServer
    listing: Listing
    conflicts: Conflicts
    counts: Counts = field(default_factory=Counts)
    # Whether a row differs from the listing and may go on to do so: the next check syncs again.
    left_some: bool = False

    @cached_property
    def has_past(self) -> bool:
        """Whether records of models that are gone wait for their names."""
        return bool(waiting_for_names([self.server.pk]))

    def add(self, keys: list[str]) -> int:
        """Add rows for these names; what has a row by now is right by its own task."""
        entries = {key: self.listing.by_key[key] for key in keys}
        new = {
            key: as_row(self.server, new_values(self.server, entry, self.listing.facts(entry)))
            for key, entry in entries.items()
        }
        with transaction.atomic():
            if not self._is_there():
                return len(keys)
            rows = OllamaModel.objects.filter(server=self.server, key__in=keys).order_by()
            deleted = deleted_since(self.listing.asked_at)
            left = set(rows.values_list("key", flat=True)) | (deleted & set(keys))
            for _key in left:
                self._leave()
            added = [model for key, model in new.items() if key not in left]
            insert_together(added)
            if self.has_past:
                take_back(added)
            if self.conflicts.asks_of_news:
                self.conflicts.look_up([model.key for model in added])
                self.conflicts.added(added)
            few = self.counts.added < MOST_ANNOUNCED
            self.counts.added += len(added)
            for model in added if few else added[-1:]:
                announce_model(model)
        return len(keys)

    def change(self, keys: list[str]) -> int:
        """Bring the rows of these names in line, for as long as one transaction may take."""
        until = time.monotonic() + SLICE_SECONDS
        done = 0
        with transaction.atomic():
            if not self._is_there():
                return len(keys)
            rows = self._locked(keys)
            self.conflicts.look_up(keys)
            for key in keys:
                done += 1
                if key in rows:
                    self._write_row(rows[key], self.listing.by_key.get(key))
                if time.monotonic() > until:
                    break
        return done

    def _is_there(self) -> bool:
        """Whether the server was not forgotten meanwhile, and its models with it."""
        return OllamaServer.objects.select_for_update().filter(pk=self.server.pk).exists()

    def _locked(self, keys: list[str]) -> dict[str, OllamaModel]:
        rows = OllamaModel.objects.locked().filter(server=self.server, key__in=keys)
        return {row.key: row for row in rows.order_by("pk")}

    def _write_row(self, row: OllamaModel, entry: TagEntry | None) -> None:
        task = row.last_task
        if task is not None and task.state in LIVE:
            self.conflicts.leave(row.key)
            self.counts.unchanged += 1
        elif ended_since(task, self.listing.asked_at):
            self.conflicts.leave(row.key)
            self._leave()
        elif entry is None:
            self._missing(row)
        else:
            self._update(row, entry)

    def _leave(self) -> None:
        self.counts.unchanged += 1
        self.left_some = True

    def _missing(self, row: OllamaModel) -> None:
        if not row.is_installed:  # a failed or cancelled pull: for people to retry or remove
            self.counts.unchanged += 1
        elif self.conflicts.yields_to_server(row, None):
            forget_model(row.pk, keeps_history=True)
            self.counts.deleted += 1

    def _update(self, row: OllamaModel, entry: TagEntry) -> None:
        differs = row.is_installed and row.digest != entry.digest
        if differs and not self.conflicts.yields_to_server(row, entry):
            return
        changed = take_facts(row, self.listing.facts(entry))
        status = status_now(row)
        if row.status != status:
            row.status, row.message = status, ""
            changed += ["status", "message"]
        if changed:
            save_model(row, *changed)
            self.counts.updated += 1
        else:
            self.counts.unchanged += 1


def new_values(server: OllamaServer, entry: TagEntry, facts: dict[str, Any]) -> dict[str, Any]:
    """The row of a model that a server lists, by the attributes of its fields."""
    return {
        "server_id": server.pk,
        "key": entry.name.key,
        "source": Source(entry.name.source),
        "seq": next_seq(0),
        **fields_of_new(facts),
    }


def as_row(server: OllamaServer, values: dict[str, Any], pk: int | None = None) -> OllamaModel:
    """The same as a row that has its server."""
    row = OllamaModel(pk=pk, **values)
    row.server = server
    return row


def deleted_since(asked_at: datetime) -> set[str]:
    """The normalised names of models that were deleted since a listing was asked for."""
    deleted = Task.objects.filter(
        type="model.delete",
        state=State.SUCCEEDED,
        finished_at__range=(asked_at - SKEW, timezone.now() + SKEW),
    )
    names = deleted.values_list("resource_name", flat=True)
    return {key for name in names if (key := _key_of(name))}


def _key_of(name: str) -> str:
    try:
        return ModelName.parse(name).key
    except InvalidInput:
        return ""


def forget_model(pk: int, *, keeps_history: bool = False) -> None:
    """Remove a model's row, and nothing on the server. Tasks stay as history in any case.

    A deletion that a person asked for takes the log files and what was measured along; with
    `keeps_history` (a sync) both stay, and go on with a model of that name. Call it inside a
    transaction; the files go once it is committed.
    """
    model = OllamaModel.objects.filter(pk=pk).first()
    if model is None:
        return
    if keeps_history:
        let_outlast(model)
    else:
        logged = list(Task.objects.about("model", model.pk).values_list("pk", flat=True))
        transaction.on_commit(lambda: remove_log_files(logged))
    seq, server = model.seq, model.server_id
    noted = SyncConflict.objects.filter(model=model, state__in=LIVE_STATES)
    noted.update(state=ConflictState.SETTLED, how=Settlement.VANISHED, settled_at=timezone.now())
    model.delete()
    announce_model_removed(pk=pk, seq=seq, server=server)
