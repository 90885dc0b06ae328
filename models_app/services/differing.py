"""Conflicts as a sync finds them: noted with both sides, or settled by its policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from audit_app.actors import SYSTEM, Actor
from models_app.choices import OnConflict, Source
from models_app.conflict_models import (
    LIVE_STATES,
    ConflictKind,
    ConflictState,
    Settlement,
    SyncConflict,
)
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.types import TagEntry
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.services.beginnings import begin_task

DIFFERENT = (ConflictKind.CHANGED, ConflictKind.GONE)


@dataclass(frozen=True)
class Policy:
    """Who is right. What is open, or was ignored, waits for a person unless somebody `settles`."""

    name: str = OnConflict.SERVER
    settles: bool = True
    actor: Actor = SYSTEM


@dataclass
class Conflicts:
    """The records of one server's conflicts, while its listing is applied."""

    server: OllamaServer
    policy: Policy
    found: list[dict[str, Any]] = field(default_factory=list)
    _standing: set[str] = field(default_factory=set)
    _records: dict[str, SyncConflict] = field(default_factory=dict)

    @property
    def asks_of_news(self) -> bool:
        """Whether a model that the panel did not bring is a conflict; in no first sync."""
        return self.policy.name != OnConflict.SERVER and self.server.synced_at is not None

    def look_up(self, keys: Collection[str]) -> None:
        """Read what is noted of these names, within the transaction that may change it."""
        rows = SyncConflict.objects.filter(
            server=self.server, key__in=list(keys), state__in=LIVE_STATES
        )
        self._records = {row.key: row for row in rows}

    def leave(self, key: str) -> None:
        """Of this name nobody can say anything now: what is noted of it stays."""
        self._standing.add(key)

    def yields_to_server(self, row: OllamaModel, entry: TagEntry | None) -> bool:
        """Whether a row that differs takes the server's side; else it is noted as a conflict."""
        kind = ConflictKind.GONE if entry is None else ConflictKind.CHANGED
        record = self._records.get(row.key)
        if self.policy.name == OnConflict.SERVER and (record is None or self.policy.settles):
            if record is not None:
                settle_record(record, Settlement.SERVER)
            return True
        self._differ(row, entry, kind, record)
        return False

    def added(self, rows: Iterable[OllamaModel]) -> None:
        """Note what somebody else has brought, where `asks_of_news`."""
        rows = list(rows)
        same = self._names_by_digest({row.digest for row in rows})
        for row in rows:
            others = sorted(name for name in same.get(row.digest, ()) if name != row.name)
            kind = ConflictKind.TWIN if others else ConflictKind.FOREIGN
            panel_side = {"names": others[:20]} if others else None
            self._note(row, kind, panel_side, side_of_row(row), self._records.get(row.key))

    def finish(self) -> None:
        """Settle what has vanished: the two sides agree again."""
        noted = SyncConflict.objects.filter(
            server=self.server, state__in=LIVE_STATES, kind__in=DIFFERENT
        )
        for record in list(noted):
            if record.key not in self._standing:
                brought = Settlement.PANEL if record.task_id else Settlement.VANISHED
                settle_record(record, brought)

    def _differ(
        self,
        row: OllamaModel,
        entry: TagEntry | None,
        kind: ConflictKind,
        record: SyncConflict | None,
    ) -> None:
        """The panel pulls its side again, once for each difference; all else waits for people."""
        noted = self._note(row, kind, side_of_row(row), side_of_entry(entry), record)
        if self.policy.name != OnConflict.PANEL or row.source == Source.LOCAL or noted.task_id:
            return
        noted.task = begin_task(
            actor=self.policy.actor,
            model=row,
            type=PULL_TYPE,
            payload={"override": False, "needed": row.size},
            limit_key=pulls_key(self.server.pk),
            data={"conflict": noted.pk},
        )
        noted.save(update_fields=["task"])

    def _note(
        self,
        row: OllamaModel,
        kind: ConflictKind,
        panel_side: dict[str, Any] | None,
        server_side: dict[str, Any] | None,
        record: SyncConflict | None,
    ) -> SyncConflict:
        self._standing.add(row.key)
        sides = {"kind": kind, "panel_side": panel_side, "server_side": server_side}
        if record is None:
            record = SyncConflict(server=self.server, key=row.key)
            is_news = True
        else:
            is_news = any(getattr(record, name) != value for name, value in sides.items())
        if is_news:
            for name, value in {**sides, "state": ConflictState.OPEN, "model": row}.items():
                setattr(record, name, value)
            record.name, record.how, record.task = row.name, Settlement.NONE, None
            record.save()
        if record.state == ConflictState.OPEN:
            self.found.append(
                {
                    "id": record.pk,
                    "model": row.pk,
                    "name": row.name,
                    "kind": str(kind),
                    "panel": panel_side,
                    "server": server_side,
                }
            )
        return record

    def _names_by_digest(self, digests: set[str]) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        same = OllamaModel.objects.filter(server=self.server, digest__in=digests)
        for digest, name in same.values_list("digest", "name"):
            names.setdefault(digest, []).append(name)
        return names


def side_of_row(row: OllamaModel) -> dict[str, Any]:
    """What the panel knows of a model."""
    modified_at = row.modified_at.isoformat() if row.modified_at else None
    return {"digest": row.digest, "size": row.size, "modified_at": modified_at}


def side_of_entry(entry: TagEntry | None) -> dict[str, Any] | None:
    """What the server says of it."""
    if entry is None:
        return None
    modified_at = entry.modified_at.isoformat() if entry.modified_at else None
    return {"digest": entry.digest, "size": entry.size, "modified_at": modified_at}


def settle_record(record: SyncConflict, how: Settlement, *, actor: Actor = SYSTEM) -> None:
    """Write how a conflict has ended; it stays as history."""
    ignored = how == Settlement.IGNORED
    record.state = ConflictState.IGNORED if ignored else ConflictState.SETTLED
    record.how, record.settled_at, record.settled_by = how, timezone.now(), actor.user
    record.save(update_fields=["state", "how", "settled_at", "settled_by", "task"])
