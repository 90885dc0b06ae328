"""Looking at servers: version and running models every few seconds, the list of models less often.

A check is claimed in the row before it is made (`next_check_at`), so that any number of workers
share the work and slow answers never pile up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.events import announce_server
from models_app.list_turns import list_turns
from models_app.looking import SEEN, Finding, ListSeen, look_at, read_lists
from models_app.mirror import SKEW, mirror_loaded
from models_app.models import OllamaModel, OllamaServer
from models_app.querysets import GONE
from tasks_app.sequence import next_seq
from tasks_app.wakeups import send_quietly

logger = logging.getLogger(__name__)

# Rows claimed by one tick, so that a thousand servers are not one long tick.
CLAIM = 200
# Longer than any check of a claimed row can take; a dead worker's claims are free again then.
CLAIMED = timedelta(seconds=20)
# A server that names an unknown model in memory has its list read, this often at most.
SURPRISED = timedelta(seconds=15)
# What a finding is about; one of another address or with other credentials says nothing.
ASKED_AT = ("base_url", "auth_kind", "credentials", "ca_pem")
WRITTEN = ("status", "reason", "message", "version", "failures", "tags_seen_at", "seq")
TIMES = ("latency_ms", "last_seen_at", "checked_at", "next_check_at")
# Beyond so many servers each is checked less often, down to once in so many intervals.
MANY = 400
LONGEST = 1.5


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
    """Check these servers now, side by side; findings are written as they come."""
    for findings in look_at(servers):
        try:
            write_findings(findings)
        except DatabaseError:
            if len(findings) == 1:
                raise
            for finding in findings:  # one that cannot be written keeps none of the others
                _write_alone(finding)


def _write_alone(finding: Finding) -> None:
    try:
        write_findings([finding])
    except DatabaseError:
        logger.exception("What was found of a server cannot be written")


def read_due_lists() -> int:
    """Read the lists that are due, and sync what has changed; returns how many were asked.

    Apart from the checks: a list may be long, or never end.
    """
    servers = _claim_lists()
    for each in read_lists(servers):
        for seen in each:
            _compare(seen)
    return len(servers)


def _claim() -> list[OllamaServer]:
    now = timezone.now()
    # No look is planned further ahead: the clock was put back since.
    never = now + max(CLAIMED, timedelta(seconds=settings.CHECK_INTERVAL * LONGEST)) + SKEW
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


def write_findings(findings: Sequence[Finding]) -> None:
    """Write what was found of servers, each of them once, in one short transaction.

    A finding is left out where a later check has written already or the server is another now.
    Nearly always nothing has changed but times, which are written with one statement for all.
    """
    with transaction.atomic():
        servers = _same_servers([finding.server for finding in findings])
        loaded = OllamaModel.objects.filter(server__in=servers, is_loaded=True).order_by()
        running = set(loaded.values_list("server_id", flat=True))
        interval = _interval(OllamaServer.objects.count())
        unchanged = []
        for finding in findings:
            server = servers.get(finding.server.pk)
            if server is None or _was_checked_since(server, finding.begun):
                continue
            server.next_check_at = finding.begun + interval
            if not _write(server, finding, mirrors=bool(finding.loaded) or server.pk in running):
                unchanged.append(server)
        _write_times(unchanged)


def _interval(servers: int) -> timedelta:
    """Until the next check: of many servers each less often, yet twice within ten seconds or so."""
    return timedelta(seconds=settings.CHECK_INTERVAL * min(max(servers / MANY, 1.0), LONGEST))


def _write(server: OllamaServer, finding: Finding, *, mirrors: bool) -> bool:
    """Write one finding; False where only times differ from what the row says: not written yet."""
    was = (server.status, server.reason, server.version)
    before = [getattr(server, name) for name in WRITTEN]
    _apply(server, finding)
    came = server.status in SEEN and was[0] not in SEEN
    if came:
        server.tags_seen_at = timezone.now()  # the sync reads the list
    if (
        mirrors
        and finding.loaded is not None
        and mirror_loaded(server, finding.loaded, finding.begun)
    ):
        _wonder(server)
    if was != (server.status, server.reason, server.version):
        server.seq = next_seq(server.seq)
        announce_server(server)
    if before == [getattr(server, name) for name in WRITTEN]:
        return False
    server.save(update_fields=[*WRITTEN, *TIMES])
    if came:
        _sync(server)
    return True


def _write_times(servers: Sequence[OllamaServer]) -> None:
    fields = [each for each in OllamaServer._meta.concrete_fields if each.name in TIMES]
    table = connection.ops.quote_name(OllamaServer._meta.db_table)
    columns = ", ".join(f"{connection.ops.quote_name(str(field.column))} = %s" for field in fields)
    values = [
        [*(f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields), row.pk]
        for row in servers
    ]
    if values:
        with connection.cursor() as cursor:
            statement = f"UPDATE {table} SET {columns} WHERE id = %s"  # noqa: S608 - names alone
            cursor.executemany(statement, values)


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
    return _same_servers([asked]).get(asked.pk)


def _same_servers(asked: Sequence[OllamaServer]) -> dict[int, OllamaServer]:
    """The rows now, locked, without those that are gone or have another address by now."""
    rows = OllamaServer.objects.select_for_update().order_by("pk")
    now = rows.in_bulk([server.pk for server in asked])
    return {
        server.pk: now[server.pk]
        for server in asked
        if server.pk in now
        and all(getattr(now[server.pk], name) == getattr(server, name) for name in ASKED_AT)
    }


def _was_checked_since(server: OllamaServer, begun: datetime) -> bool:
    """A look in the future was made before the clock was put back."""
    return server.checked_at is not None and begun < server.checked_at <= timezone.now()


def _apply(server: OllamaServer, finding: Finding) -> None:
    server.status, server.reason = finding.status, finding.reason[:64]
    server.message = finding.message
    server.checked_at = finding.begun
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
