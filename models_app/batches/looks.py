"""What the panel sees and knows of the servers that a batch downloads to, and of their disks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from models_app.models import OllamaServer, PanelSettings
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.resources.host import Host
from models_app.resources.reserved import (
    MOST_SERVERS,
    Held,
    by_device,
    device_of,
    looks_at,
    reserved_on_each,
    with_downloads,
)
from tasks_app.choices import State
from tasks_app.models import Task


@dataclass(frozen=True)
class SharedDisk:
    """One disk: servers by the `folders` that they share, and what the disk has, in bytes.

    `reserved`: what downloads in flight have still to write there, those of servers that the batch
    does not download to, too.
    """

    folders: list[list[OllamaServer]]
    free: int | None
    reserved: Held
    kept: int
    is_slow: bool

    @property
    def servers(self) -> list[OllamaServer]:
        """All servers of the batch on this disk."""
        return [server for folder in self.folders for server in folder]

    @property
    def ids(self) -> list[int]:
        """Their ids."""
        return [server.pk for server in self.servers]


class ServerLooks:
    """Looks at the servers' disks that have begun, and what the panel itself knows of them.

    Of more than `MOST_SERVERS` the others' disks are not looked at. Servers that download already
    are looked at too: they may share a disk with these.
    """

    def __init__(self, servers: Iterable[OllamaServer]) -> None:
        self.servers = list({server.pk: server for server in servers}.values())
        others = with_downloads().exclude(pk__in=[server.pk for server in self.servers])
        every = [*self.servers, *others[:MOST_SERVERS]] if self.servers else []
        self._looks = looks_at([*self.servers[:MOST_SERVERS], *every[len(self.servers) :]])
        self.panel = PanelSettings.objects.current()
        self._reserved = reserved_on_each(every)
        self._running, self._every = _running_downloads(self.servers)
        self._hosts: dict[int, Host] = {}

    def disks(self, servers: Sequence[OllamaServer]) -> list[SharedDisk]:
        """The disks of these servers. One that is not known is taken for the server's own."""
        hosts = self._hosts = {pk: look.result() for pk, look in self._looks.items()}
        reserved = by_device(self._reserved, hosts)
        groups: dict[Hashable, dict[Hashable, list[OllamaServer]]] = {}
        for server in servers:
            folders = groups.setdefault(device_of(server.pk, hosts), {})
            folders.setdefault(_folder(server.pk, hosts), []).append(server)
        return [
            self._disk(list(folders.values()), hosts, reserved.get(device, Held()))
            for device, folders in groups.items()
        ]

    def host(self, server: OllamaServer) -> Host:
        """The disk, as far as it was seen by the time at which `disks` had looked."""
        return self._hosts.get(server.pk, Host())

    def _disk(
        self, folders: list[list[OllamaServer]], hosts: dict[int, Host], reserved: Held
    ) -> SharedDisk:
        servers = [server for folder in folders for server in folder]
        host = hosts.get(servers[0].pk, Host())
        return SharedDisk(
            folders=folders,
            free=host.disk_free,
            reserved=reserved,
            kept=max(self.panel.disk_kept(server) for server in servers),
            is_slow="disk" in host.slow,
        )

    def downloads(self, server: OllamaServer) -> dict[str, Any]:
        """The downloads at work against the limits, as the check of a single one shows them."""
        return {
            "running": self._running.get(pulls_key(server.pk), 0),
            "limit": self.panel.downloads_on(server),
            "overall_running": self._every,
            "overall_limit": self.panel.downloads_overall,
            "held": self.panel.downloads_held,
        }


def _folder(pk: int, hosts: dict[int, Host]) -> Hashable:
    disk = hosts.get(pk, Host()).disk
    return disk.folder if disk is not None else pk


def _running_downloads(servers: Iterable[OllamaServer]) -> tuple[dict[str, int], int]:
    """How many run on each server, by its key, and in all."""
    keys = [pulls_key(server.pk) for server in servers]
    running = Task.objects.filter(state=State.RUNNING).order_by()
    here = running.filter(limit_key__in=keys).values("limit_key").annotate(n=Count("pk"))
    return {row["limit_key"]: row["n"] for row in here}, running.filter(type=PULL_TYPE).count()
