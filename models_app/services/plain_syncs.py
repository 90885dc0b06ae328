"""Syncs that need no task: many servers whose lists only have models that the panel lacks.

They ask nothing of anybody and contradict nothing, so they are written together; a thousand tasks
would say no more. What differs, waits for a person or is long is left to a sync of that server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from models_app.choices import OnConflict
from models_app.conflict_models import LIVE_STATES, SyncConflict
from models_app.events import announce_model
from models_app.looking import ListSeen
from models_app.models import OllamaModel, OllamaServer
from models_app.past import waiting_for_names
from models_app.same_servers import same_servers
from models_app.services.listing import Listing, disagreements, rows_of
from models_app.services.recreating import with_workshop
from models_app.services.sync import Counts, as_row, deleted_since, new_values
from ollamactl.lib.bulk import insert_values, save_together
from tasks_app.choices import LIVE
from tasks_app.models import Task

# Models in one transaction, so that other writers are not kept waiting.
TOGETHER = 1000
# Beyond this one new model is announced for all: a list asks for itself anyway.
MOST_ANNOUNCED = 50


@dataclass(frozen=True)
class Listed:
    """What a server listed. `server` is the row as it was when it was asked."""

    server: OllamaServer
    listing: Listing
    digest: str

    @classmethod
    def of(cls, seen: ListSeen) -> Listed | None:
        """What was seen of a server; None where that is not its list as a whole."""
        if seen.digest is None or seen.tags is None:
            return None
        return cls(seen.server, Listing(seen.tags, seen.loaded or [], seen.asked_at), seen.digest)


@dataclass
class Outcome:
    """What was done on each server, and those that need a sync of their own."""

    done: dict[int, Counts] = field(default_factory=dict)
    left: list[Listed] = field(default_factory=list)


def sync_plainly(
    listed: Sequence[Listed],
    *,
    on_conflict: str | None = None,
    along: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Add what is new on these servers. Repeating it is harmless.

    `on_conflict`: instead of the servers' own settings. `along` is called in each transaction, with
    what is done in it.
    """
    whole = Outcome()
    for some in _slices(listed):
        try:
            outcome = _write(some, on_conflict, along)
        except IntegrityError:  # a task was first with one of these names
            outcome = Outcome(left=some)
        whole.done |= outcome.done
        whole.left += outcome.left
    return whole


def _slices(listed: Sequence[Listed]) -> Iterator[list[Listed]]:
    some: list[Listed] = []
    count = 0
    for one in listed:
        if some and count + len(one.listing.tags) > TOGETHER:
            yield some
            some, count = [], 0
        some.append(one)
        count += len(one.listing.tags)
    if some:
        yield some


def _write(
    listed: list[Listed], on_conflict: str | None, along: Callable[[Outcome], None]
) -> Outcome:
    outcome = Outcome()
    rows: list[dict[str, Any]] = []
    synced: list[OllamaServer] = []
    with transaction.atomic():
        now = timezone.now()
        judge = _Judge(listed, same_servers(one.server for one in listed))
        for one in listed:
            server = judge.servers.get(one.server.pk)
            if server is None:
                continue
            new = judge.news(server, one.listing, on_conflict or server.on_conflict)
            if new is None:
                outcome.left.append(one)
                continue
            entries = [one.listing.by_key[key] for key in new]
            rows += [new_values(server, entry, one.listing.facts(entry)) for entry in entries]
            server.tags_hash = one.digest
            server.tags_seen_at = server.synced_at = now
            synced.append(server)
            unchanged = len(one.listing.by_key) - len(new)
            outcome.done[server.pk] = Counts(added=len(new), unchanged=unchanged)
        keys = insert_values(OllamaModel, rows)
        save_together(synced, ["tags_hash", "tags_seen_at", "synced_at"])
        announced = len(rows) if len(rows) <= MOST_ANNOUNCED else 1
        for pk, row in [*zip(keys, rows, strict=True)][-announced:]:
            announce_model(as_row(judge.servers[row["server_id"]], row, pk))
        along(outcome)
    return outcome


class _Judge:
    """What has to be known of some servers, read for all of them together."""

    def __init__(self, listed: list[Listed], servers: dict[int, OllamaServer]) -> None:
        self.servers = servers
        pks = list(servers)
        self._rows: dict[int, dict[str, tuple[str, dict[str, Any]]]] = defaultdict(dict)
        for server_id, key, status, row in rows_of(pks):
            self._rows[server_id][key] = (status, row)
        noted = SyncConflict.objects.filter(server__in=pks, state__in=LIVE_STATES)
        syncs = Task.objects.filter(
            type="server.sync", resource_type="server", resource_id__in=pks, state__in=LIVE
        )
        self._busy = {
            *noted.values_list("server_id", flat=True),
            *syncs.order_by().values_list("resource_id", flat=True),
            *waiting_for_names(pks),
            *with_workshop(pks),
        }
        self._deleted = deleted_since(min(one.listing.asked_at for one in listed))

    def news(self, server: OllamaServer, listing: Listing, policy: str) -> list[str] | None:
        """The names that are new, sorted; None where there is more to do than to add them."""
        if server.pk in self._busy:
            return None
        new, changed = disagreements(self._rows[server.pk], listing)
        may_ask = policy != OnConflict.SERVER and server.synced_at is not None
        if changed or (new and may_ask) or self._deleted.intersection(new):
            return None
        return new
