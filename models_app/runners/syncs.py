"""Bringing the rows in line with the servers."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit_app.actors import SYSTEM, Actor
from audit_app.choices import Origin
from models_app.endpoints import client_of
from models_app.models import OllamaServer
from models_app.ollama.errors import OllamaError
from models_app.services import sync
from models_app.services.differing import Policy
from models_app.services.listing import Listing
from models_app.services.recreating import without_workshop
from models_app.services.servers import SYNC, create_sync
from tasks_app.choices import Unit
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
        for server in list(OllamaServer.objects.exclude(pk__in=made).order_by("pk")):
            self.run.check()
            create_sync(
                actor=SYSTEM,
                server=server,
                on_conflict=self.task.payload.get("on_conflict"),
                parent=self.task,
            )
        return None
