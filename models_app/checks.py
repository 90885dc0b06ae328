"""Looking at servers: version and running models every few seconds, the list of models less often.

A check is claimed in the row before it is made (`next_check_at`), so that any number of workers
share the work and slow answers never pile up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.events import announce_server
from models_app.list_turns import list_turns
from models_app.looking import SEEN, Finding, ListSeen, look_at, read_lists
from models_app.mirror import SKEW, mirror_loaded
from models_app.models import OllamaServer
from models_app.querysets import GONE
from tasks_app.sequence import next_seq
from tasks_app.wakeups import send_quietly

# Rows claimed by one tick, so that a thousand servers are not one long tick.
CLAIM = 200
# Longer than any check of a claimed row can take; a dead worker's claims are free again then.
CLAIMED = timedelta(seconds=20)
# A server that names an unknown model in memory has its list read, this often at most.
SURPRISED = timedelta(seconds=15)
# What a finding is about; one of another address or with other credentials says nothing.
ASKED_AT = ("base_url", "auth_kind", "credentials", "ca_pem")
WRITTEN = [
    "status",
    "reason",
    "message",
    "version",
    "latency_ms",
    "failures",
    "last_seen_at",
    "checked_at",
    "next_check_at",
    "tags_seen_at",
    "seq",
]


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
    """Check these servers now, side by side; each finding is written as it comes."""
    for finding in look_at(servers):
        write_finding(finding)


def read_due_lists() -> int:
    """Read the lists that are due, and sync what has changed; returns how many were asked.

    Apart from the checks: a list may be long, or never end.
    """
    servers = _claim_lists()
    for seen in read_lists(servers):
        _compare(seen)
    return len(servers)


def _claim() -> list[OllamaServer]:
    now = timezone.now()
    # No look is planned further ahead: the clock was put back since.
    never = now + max(CLAIMED, timedelta(seconds=settings.CHECK_INTERVAL)) + SKEW
    due = Q(next_check_at=None) | Q(next_check_at__lte=now) | Q(next_check_at__gt=never)
    if not OllamaServer.objects.filter(due).exists():  # a look without the database's write lock
        return []
    with transaction.atomic():
        waiting = OllamaServer.objects.select_for_update(skip_locked=True).filter(due)
        servers = list(waiting.order_by(F("next_check_at").asc(nulls_first=True))[:CLAIM])
        claimed = OllamaServer.objects.filter(pk__in=[server.pk for server in servers])
        claimed.update(next_check_at=now + CLAIMED)
    return servers


def _claim_lists() -> list[OllamaServer]:
    """Servers whose list was not asked for lately, the longest ago first; as many as may be asked.

    `tags_seen_at` is set now already, so that no other worker asks too. One that comes (back) is
    synced anyway.
    """
    now = timezone.now()
    before = now - timedelta(seconds=settings.TAGS_INTERVAL)
    due = Q(tags_seen_at__isnull=True) | Q(tags_seen_at__lt=before)
    asked = OllamaServer.objects.filter(due, status__in=SEEN).exclude(pk__in=list_turns.left_out())
    room = min(CLAIM, list_turns.free())
    if not room or not asked.exists():
        return []
    with transaction.atomic():
        waiting = asked.select_for_update(skip_locked=True)
        servers = list(waiting.order_by(F("tags_seen_at").asc(nulls_first=True))[:room])
        claimed = OllamaServer.objects.filter(pk__in=[server.pk for server in servers])
        claimed.update(tags_seen_at=now)
    return servers


def write_finding(finding: Finding) -> None:
    """Write one finding, unless a later check has written already or the server is another now."""
    with transaction.atomic():
        server = _same_server(finding.server)
        if server is None or _was_checked_since(server, finding.begun):
            return
        was = (server.status, server.reason, server.version)
        _apply(server, finding)
        came = server.status in SEEN and was[0] not in SEEN
        if came:
            server.tags_seen_at = timezone.now()  # the sync reads the list
        if finding.loaded is not None and mirror_loaded(server, finding.loaded, finding.begun):
            _wonder(server)
        if was != (server.status, server.reason, server.version):
            server.seq = next_seq(server.seq)
            announce_server(server)
        server.save(update_fields=WRITTEN)
        if came:
            _sync(server)


def _compare(seen: ListSeen) -> None:
    """Sync where the server's list is not the one that was synced last."""
    with transaction.atomic():
        server = _same_server(seen.server)
        if server is None:
            return
        if seen.digest != server.tags_hash:
            _sync(server)


def _same_server(asked: OllamaServer) -> OllamaServer | None:
    """The row now, locked; None where it is gone or has another address by now."""
    servers = OllamaServer.objects.select_for_update()
    server: OllamaServer | None = servers.filter(pk=asked.pk).first()
    if server is None or any(getattr(server, a) != getattr(asked, a) for a in ASKED_AT):
        return None
    return server


def _was_checked_since(server: OllamaServer, begun: datetime) -> bool:
    """A look in the future was made before the clock was put back."""
    return server.checked_at is not None and begun < server.checked_at <= timezone.now()


def _apply(server: OllamaServer, finding: Finding) -> None:
    server.status, server.reason = finding.status, finding.reason[:64]
    server.message = finding.message
    server.checked_at = finding.begun
    server.next_check_at = finding.begun + timedelta(seconds=settings.CHECK_INTERVAL)
    server.latency_ms = finding.latency_ms
    if finding.status in GONE:
        server.failures += 1
    else:
        server.failures = 0
        server.last_seen_at = timezone.now()
    if finding.version:
        server.version = finding.version[:64]


def _wonder(server: OllamaServer) -> None:
    """Have the list read at the next check; a model that was deleted while loaded stays unknown."""
    if server.tags_seen_at and abs(timezone.now() - server.tags_seen_at) > SURPRISED:
        server.tags_seen_at = None


def _sync(server: OllamaServer) -> None:
    from models_app.services.servers import sync_server

    sync_server(actor=SYSTEM, server=server)
