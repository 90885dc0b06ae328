"""Bringing the rows in line with the servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit_app.actors import SYSTEM, Actor
from audit_app.choices import Origin
from models_app.endpoints import client_of
from models_app.list_turns import LISTS_AT_ONCE
from models_app.looking import read_lists
from models_app.models import OllamaServer
from models_app.ollama.errors import OllamaError
from models_app.querysets import SEEN
from models_app.services import sync
from models_app.services.differing import Policy
from models_app.services.listing import Listing
from models_app.services.plain_syncs import Listed, Outcome, sync_plainly
from models_app.services.recreating import without_workshop
from models_app.services.servers import SYNC, create_sync
from tasks_app.choices import Unit
from tasks_app.creation import DonePart, create_done_children
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, Runner, TaskFailed, register


@register
class SyncRunner(Runner):
    """Bring the rows of one server's models in line with the server."""

    type = "server.sync"
    permission = SYNC
    retry = RetryPolicy(attempts=3, backoff=2.0)

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        return 1

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["servers", f"server:{task.resource_id}"]

    def work(self) -> dict[str, Any] | None:
        server = OllamaServer.objects.filter(pk=self.task.resource_id or 0).first()
        if server is None:
            raise TaskFailed(_("This server is gone from the panel."), code="server_gone")
        self.run.progress(phase="reading")
        listing = without_workshop(server, self.run.stream(self._read(server)))
        asked = self.task.payload.get("on_conflict")
        counts = sync.apply_listing(
            server=server,
            listing=listing,
            policy=Policy(
                name=asked or server.on_conflict,
                settles=asked is not None,
                actor=Actor(user=self.task.created_by, origin=Origin(self.task.origin)),
            ),
            tell=lambda done, total: self.run.progress(
                done=done, total=total, unit=Unit.ITEMS, phase="writing"
            ),
        )
        numbers = {**counts, "conflicts": len(counts["conflicts"])}
        self.run.log(", ".join(f"{name} {number}" for name, number in numbers.items()))
        return counts

    async def _read(self, server: OllamaServer) -> Listing:
        asked_at = timezone.now()
        try:
            async with client_of(server) as client:
                return Listing(await client.tags(), await client.ps(), asked_at)
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error


@register
class SyncAllRunner(Runner):
    """A sync of every server: a child for each, made once however often this is repeated."""

    type = "servers.sync"
    has_parts = True
    permission = SYNC

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["servers"]

    def work(self) -> dict[str, Any] | None:
        made = self.task.children.filter(resource_id__isnull=False).values("resource_id")
        servers = list(OllamaServer.objects.exclude(pk__in=made).order_by("pk"))
        self.run.progress(done=0, total=len(servers), unit=Unit.ITEMS, phase="reading")
        done = 0
        for some in _in_parts(servers):
            left = self._sync_plainly([server for server in some if server.status in SEEN])
            left += [server for server in some if server.status not in SEEN]
            for server in left:
                self.run.check()
                create_sync(
                    actor=SYSTEM,
                    server=server,
                    on_conflict=self.task.payload.get("on_conflict"),
                    parent=self.task,
                )
            done += len(some)
            self.run.progress(done=done, total=len(servers), unit=Unit.ITEMS, phase="reading")
        return None

    def _sync_plainly(self, servers: list[OllamaServer]) -> list[OllamaServer]:
        """Sync those of which there is nothing to ask or to settle; returns the others."""
        left = []
        by_pk = {server.pk: server for server in servers}

        def note(outcome: Outcome) -> None:
            parts = [
                DonePart("server", pk, by_pk[pk].name, counts.as_json())
                for pk, counts in outcome.done.items()
            ]
            create_done_children(type="server.sync", parent=self.task, parts=parts)

        for together in read_lists(servers, whole=True, check=self.run.check):
            self.run.check()
            listed = [(seen.server, Listed.of(seen)) for seen in together]
            left += [server for server, one in listed if one is None]
            outcome = sync_plainly(
                [one for _server, one in listed if one is not None],
                on_conflict=self.task.payload.get("on_conflict"),
                along=note,
            )
            left += [one.server for one in outcome.left]
        return left


def _in_parts(servers: list[OllamaServer]) -> Iterator[list[OllamaServer]]:
    """As many as may be asked for their lists at once."""
    for position in range(0, len(servers), LISTS_AT_ONCE):
        yield servers[position : position + LISTS_AT_ONCE]
