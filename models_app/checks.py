"""Looking at servers: version and running models every few seconds, the list of models less often.

A check is claimed in the row before it is made (`next_check_at`), so that any number of workers
share the work and slow answers never pile up.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus, ServerStatus
from models_app.endpoints import client_of
from models_app.events import announce_model, announce_server
from models_app.facts import loaded_facts
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.errors import OllamaError
from models_app.ollama.types import LoadedModel, TagEntry
from models_app.querysets import GONE
from models_app.services.states import rest_status
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import LIVE
from tasks_app.sequence import next_seq
from tasks_app.wakeups import send_quietly

# One check, all its questions together; a server that needs longer does not answer.
SECONDS = 3.0
TAGS_SECONDS = 20.0
SLOW_MS = 1000.0
AT_ONCE = 100
# Rows claimed by one tick, so that a thousand servers are not one long tick.
CLAIM = 500


@dataclass(frozen=True)
class Finding:
    """What one look at one server brought."""

    status: ServerStatus
    reason: str = ""
    message: object = ""
    version: str = ""
    latency_ms: float | None = None
    loaded: list[LoadedModel] | None = None
    tags: list[TagEntry] | None = None


def check_soon() -> None:
    """Look at the servers that are due as soon as the transaction is committed."""
    from models_app.tasks import check

    transaction.on_commit(lambda: send_quietly(check, queue="control"))


def check_due() -> int:
    """Check the servers that are due; returns how many."""
    servers = _claim()
    if servers:
        check_servers(servers)
    return len(servers)


def check_servers(servers: Sequence[OllamaServer]) -> None:
    """Check these servers now, side by side, and write what is found."""
    begun = timezone.now()
    findings = asyncio.run(_look_at_all(servers))
    for server, finding in zip(servers, findings, strict=True):
        _write(server.pk, finding, begun)


def _claim() -> list[OllamaServer]:
    now = timezone.now()
    due = Q(next_check_at__isnull=True) | Q(next_check_at__lte=now)
    with transaction.atomic():
        servers = list(
            OllamaServer.objects.select_for_update().filter(due).order_by("next_check_at")[:CLAIM]
        )
        OllamaServer.objects.filter(pk__in=[server.pk for server in servers]).update(
            next_check_at=now + timedelta(seconds=settings.CHECK_INTERVAL)
        )
    return servers


async def _look_at_all(servers: Sequence[OllamaServer]) -> list[Finding]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(server: OllamaServer) -> Finding:
        async with gate:
            return await _look_at(server)

    return await asyncio.gather(*(one(server) for server in servers))


async def _look_at(server: OllamaServer) -> Finding:
    try:
        async with client_of(server) as client:
            async with asyncio.timeout(SECONDS):
                begun = time.perf_counter()
                version = await client.version()
                latency = (time.perf_counter() - begun) * 1000
                loaded = await client.ps()
            tags = None
            if _tags_are_due(server):
                async with asyncio.timeout(TAGS_SECONDS):
                    tags = await client.tags()
    except TimeoutError:
        return Finding(ServerStatus.OFFLINE, "timeout", _no_answer())
    except OllamaError as error:
        return Finding(_status_of(error), error.code, error.detail)
    except InvalidInput as error:  # a stored address that is no longer one
        return Finding(ServerStatus.OFFLINE, error.code, error.detail)
    status = ServerStatus.DEGRADED if latency > SLOW_MS else ServerStatus.ONLINE
    return Finding(
        status,
        reason="slow" if status == ServerStatus.DEGRADED else "",
        version=version,
        latency_ms=round(latency, 1),
        loaded=loaded,
        tags=tags,
    )


def _no_answer() -> Sentence:
    text = gettext_noop(
        "No answer within {seconds} s. Is the server overloaded or the network slow?"
    )
    return Sentence(text, seconds=int(SECONDS))


def _status_of(error: OllamaError) -> ServerStatus:
    if error.code == "unauthorized":
        return ServerStatus.UNAUTHORIZED
    # It answers, in Ollama's words, that it cannot: that is not the same as silence.
    return ServerStatus.DEGRADED if error.code in ("busy", "server_error") else ServerStatus.OFFLINE


def _tags_are_due(server: OllamaServer) -> bool:
    if server.status not in (ServerStatus.ONLINE, ServerStatus.DEGRADED):
        return True  # it comes (back) online: its models may be others
    seen = server.tags_seen_at
    return seen is None or timezone.now() - seen > timedelta(seconds=settings.TAGS_INTERVAL)


def _write(pk: int, finding: Finding, begun: datetime) -> None:
    """Write one finding, unless a check that began later has written already."""
    with transaction.atomic():
        server = OllamaServer.objects.select_for_update().filter(pk=pk).first()
        if server is None or (server.checked_at and server.checked_at > begun):
            return
        was = (server.status, server.reason, server.version)
        _apply(server, finding, begun)
        changed = was != (server.status, server.reason, server.version)
        if changed:
            server.seq = next_seq(server.seq)
            announce_server(server)
        server.save(update_fields=_WRITTEN)
        unknown = _apply_loaded(server, finding.loaded) if finding.loaded is not None else False
        if unknown or _list_changed(server, finding.tags, came_back=was[0] not in _SEEN):
            _sync(server)


_SEEN = (ServerStatus.ONLINE, ServerStatus.DEGRADED)
_WRITTEN = [
    "status",
    "reason",
    "message",
    "version",
    "latency_ms",
    "failures",
    "last_seen_at",
    "checked_at",
    "next_check_at",
    "seq",
]


def _apply(server: OllamaServer, finding: Finding, begun: datetime) -> None:
    server.status, server.reason = finding.status, finding.reason[:64]
    server.message = finding.message
    server.checked_at = begun
    server.next_check_at = begun + timedelta(seconds=settings.CHECK_INTERVAL)
    server.latency_ms = finding.latency_ms
    if finding.status in GONE:
        server.failures += 1
    else:
        server.failures = 0
        server.last_seen_at = timezone.now()
    if finding.version:
        server.version = finding.version[:64]


def _list_changed(server: OllamaServer, tags: list[TagEntry] | None, *, came_back: bool) -> bool:
    if tags is None:
        return False
    lines = sorted(f"{entry.name.full} {entry.digest} {entry.size}" for entry in tags)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    changed = digest != server.tags_hash
    OllamaServer.objects.filter(pk=server.pk).update(tags_hash=digest, tags_seen_at=timezone.now())
    return changed or came_back


def _sync(server: OllamaServer) -> None:
    from models_app.services.servers import sync_server

    sync_server(actor=SYSTEM, server=server)


def _apply_loaded(server: OllamaServer, entries: list[LoadedModel]) -> bool:
    """Mirror `/api/ps` in the rows; returns whether it names a model that the panel lacks.

    Only rows that are in memory, or were, are read and written.
    """
    by_key, by_digest = {}, {}
    for entry in entries:
        if entry.stopping:
            continue
        by_key[entry.name.key] = entry
        if entry.digest:
            by_digest[entry.digest] = entry
    rows = OllamaModel.objects.select_for_update(of=("self",)).filter(
        Q(is_loaded=True) | Q(key__in=by_key) | Q(digest__in=by_digest), server=server
    )
    seen = set()
    for row in rows.select_related("server", "last_task"):
        seen.add(row.key)
        _mirror(row, by_key.get(row.key) or by_digest.get(row.digest))
    return bool(by_key.keys() - seen)


def _mirror(row: OllamaModel, entry: LoadedModel | None) -> None:
    loaded = loaded_facts(entry) if entry else None
    busy = row.last_task is not None and row.last_task.state in LIVE
    status = row.status if busy else rest_status_with(row, loaded is not None)
    if row.loaded == loaded and row.status == status:
        return
    fields = ["loaded", "is_loaded", "status", "seq"]
    if loaded and (row.loaded or {}).get("expires_at") != loaded["expires_at"]:
        row.last_used_at = timezone.now()
        fields.append("last_used_at")
    if row.status != status and status == ModelStatus.RUNNING:
        row.message = ""
        fields.append("message")
    row.loaded, row.is_loaded, row.status = loaded, loaded is not None, status
    row.seq = next_seq(row.seq)
    row.save(update_fields=fields)
    announce_model(row)


def rest_status_with(row: OllamaModel, is_loaded: bool) -> ModelStatus:
    """The status of an idle row once `/api/ps` is taken into account; errors stay to be read."""
    if not is_loaded and row.status == ModelStatus.ERROR:
        return ModelStatus.ERROR
    row.is_loaded = is_loaded
    return rest_status(row)
