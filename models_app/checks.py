"""Looking at servers: version and running models every few seconds, the list of models less often.

A check is claimed in the row before it is made (`next_check_at`), so that any number of workers
share the work and slow answers never pile up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.events import announce_server
from models_app.list_turns import list_turns
from models_app.looking import Finding, ListSeen, look_at, read_lists
from models_app.mirror import SKEW, mirror_loaded
from models_app.models import OllamaModel, OllamaServer
from models_app.querysets import GONE, SEEN
from models_app.same_servers import same_servers
from tasks_app.choices import LIVE, State
from tasks_app.models import Task
from tasks_app.sequence import next_seq
from tasks_app.slots import CONTROL
from tasks_app.wakeups import send_quietly

logger = logging.getLogger(__name__)

# Rows claimed by one tick, so that a thousand servers are not one long tick.
CLAIM = 200
# Longer than any check of a claimed row can take; a dead worker's claims are free again then.
CLAIMED = timedelta(seconds=20)
# Lists read in one tick although nobody waits for them, however few servers there are.
LEAST_LISTS = 10
# A server that names an unknown model in memory has its list read, this often at most.
SURPRISED = timedelta(seconds=15)
# Lists that come to be awaited one after the other are read together, so often (s).
SOON_AGAIN = 0.5
# How often a server that does not say what it has is said not to.
SAID_AGAIN = timedelta(hours=1)
WRITTEN = ("status", "reason", "message", "version", "failures", "tags_seen_at", "tags_hash", "seq")
TIMES = ("latency_ms", "last_seen_at", "checked_at", "next_check_at")
# Beyond so many servers each is checked less often, down to once in so many intervals.
MANY = 400
LONGEST = 1.5


def check_soon() -> None:
    """Look at the servers that are due as soon as the transaction is committed."""
    from models_app.tasks import check

    transaction.on_commit(lambda: send_quietly(check, queue=CONTROL))


def check_due() -> int:
    """Check the servers that are due; returns how many."""
    servers = _claim()
    if servers:
        check_servers(servers)
    return len(servers)


def check_servers(servers: Sequence[OllamaServer], *, anew: bool = False) -> None:
    """Check these servers now, side by side; findings are written as they come.

    `anew`: without anything that was known of them a moment ago.
    """
    awaited, said_at = False, -SOON_AGAIN
    for findings in look_at(servers, anew=anew):
        awaited |= _write(findings)
        if awaited and time.monotonic() - said_at >= SOON_AGAIN:
            read_soon()
            awaited, said_at = False, time.monotonic()
    if awaited:
        read_soon()


def _write(findings: Sequence[Finding]) -> bool:
    try:
        return write_findings(findings)
    except DatabaseError:
        if len(findings) == 1:
            raise
        # One that cannot be written keeps none of the others.
        awaited = [_write_alone(finding) for finding in findings]
        return any(awaited)


def _write_alone(finding: Finding) -> bool:
    try:
        return write_findings([finding])
    except DatabaseError:
        logger.exception("What was found of a server cannot be written")
        return False


def read_due_lists() -> int:
    """Read the lists that are due, and sync what has changed; returns how many were asked.

    Apart from the checks: a list may be long, or never end.
    """
    servers = _claim_lists()
    for together in read_lists(servers):
        _sync_changed(together)
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
    due at once.
    """
    now = timezone.now()
    before = now - timedelta(seconds=settings.TAGS_INTERVAL)
    due = Q(tags_seen_at__isnull=True) | Q(tags_seen_at__lt=before)
    syncs = Task.objects.filter(type="server.sync", resource_type="server", state__in=LIVE)
    synced = syncs.filter(resource_id__isnull=False).order_by().values("resource_id")
    asked = (
        OllamaServer.objects.filter(due, status__in=SEEN)
        .exclude(pk__in=list_turns.left_out())
        .exclude(pk__in=synced)  # that one reads the list itself, which may be a long one
    )
    room = min(CLAIM, list_turns.free())
    if not room or not asked.exists():
        return []
    with transaction.atomic():
        waiting = asked.select_for_update(skip_locked=True)
        first = waiting.order_by(F("tags_seen_at").asc(nulls_first=True))[:room]
        servers = _evenly(list(first))
        claimed = OllamaServer.objects.filter(pk__in=[server.pk for server in servers])
        claimed.update(tags_seen_at=now)
    return servers


def _evenly(servers: list[OllamaServer]) -> list[OllamaServer]:
    """All whose list is awaited, and of the others about as many as a second's share: a thousand
    that were read at the same moment are not all read again at one."""
    awaited = [server for server in servers if server.tags_seen_at is None]
    others = [server for server in servers if server.tags_seen_at is not None]
    share = round(OllamaServer.objects.count() * 1.5 / settings.TAGS_INTERVAL)
    return awaited + others[: max(LEAST_LISTS, share)]


def write_findings(findings: Sequence[Finding]) -> bool:
    """Write what was found of servers, each of them once, in one short transaction.

    Returns whether the list of one of them is awaited by now. A finding is left out where a later
    check has written already or the server is another now. Nearly always nothing has changed but
    times, which are written with one statement for all.
    """
    with transaction.atomic():
        servers = same_servers([finding.server for finding in findings])
        loaded = OllamaModel.objects.filter(server__in=servers, is_loaded=True).order_by()
        running = set(loaded.values_list("server_id", flat=True))
        interval = _interval(OllamaServer.objects.count())
        changed: list[OllamaServer] = []
        unchanged: list[OllamaServer] = []
        for finding in findings:
            server = servers.get(finding.server.pk)
            if server is None or _was_checked_since(server, finding.begun):
                continue
            server.next_check_at = finding.begun + interval
            mirrors = bool(finding.loaded) or server.pk in running
            (changed if _take(server, finding, mirrors=mirrors) else unchanged).append(server)
        _write_columns(changed, (*WRITTEN, *TIMES))
        _write_columns(unchanged, TIMES)
    return any(server.tags_seen_at is None and server.status in SEEN for server in changed)


def read_soon() -> None:
    """Read the lists that are due as soon as the transaction is committed."""
    from models_app.tasks import read_lists

    transaction.on_commit(lambda: send_quietly(read_lists, queue=CONTROL))


def _interval(servers: int) -> timedelta:
    """Until the next check: of many servers each less often, yet twice within ten seconds or so."""
    return timedelta(seconds=settings.CHECK_INTERVAL * min(max(servers / MANY, 1.0), LONGEST))


def _take(server: OllamaServer, finding: Finding, *, mirrors: bool) -> bool:
    """Take one finding into the row, which is written later; whether more changes than times."""
    was = (server.status, server.reason, server.version)
    before = [getattr(server, name) for name in WRITTEN]
    _apply(server, finding)
    came = server.status in SEEN and was[0] not in SEEN
    if came:
        # Whatever was known of its models: its list is read now.
        server.tags_seen_at, server.tags_hash = None, ""
        list_turns.forget(server.pk)
    if (
        mirrors
        and finding.loaded is not None
        and mirror_loaded(server, finding.loaded, finding.begun)
    ):
        _wonder(server)
    if was != (server.status, server.reason, server.version):
        server.seq = next_seq(server.seq)
        announce_server(server)
    return before != [getattr(server, name) for name in WRITTEN]


def _write_columns(servers: Sequence[OllamaServer], names: Collection[str]) -> None:
    """Write these fields of all the rows, with one statement."""
    fields = [each for each in OllamaServer._meta.concrete_fields if each.name in names]
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


def _sync_changed(together: Sequence[ListSeen]) -> None:
    """Sync the servers whose list is not the one that was synced last."""
    from models_app.services.plain_syncs import Listed, sync_plainly

    changed = [seen for seen in together if seen.digest != seen.server.tags_hash]
    short = [listed for seen in changed if (listed := Listed.of(seen))]
    others = [seen.server for seen in changed if seen.digest is not None and seen.tags is None]
    # Of one that has never been read somebody waits for what it has, and should hear why not.
    mute = [seen.server for seen in changed if seen.digest is None and not seen.server.tags_hash]
    left = [*(one.server for one in sync_plainly(short).left), *others, *_unheard(mute)]
    if left:
        with transaction.atomic():
            for server in same_servers(left).values():
                _sync(server)


def _unheard(servers: Sequence[OllamaServer]) -> list[OllamaServer]:
    """Those of which no sync has said lately that their list does not come."""
    pks = [server.pk for server in servers]
    since = timezone.now() - SAID_AGAIN
    failed = Task.objects.filter(type="server.sync", state=State.FAILED, created_at__gt=since)
    said = failed.filter(resource_type="server", resource_id__in=pks)
    heard = set(said.order_by().values_list("resource_id", flat=True)) if pks else set()
    return [server for server in servers if server.pk not in heard]


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
