"""What downloads have still to write: on each server, and on a disk that several servers share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from models_app.batch_models import Batch
from models_app.host_reports import reports_of
from models_app.models import OllamaServer
from models_app.probes import local_candidates
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.querysets import OllamaServerQuerySet
from models_app.resources.estimates import assumed_size
from models_app.resources.host import DiskLook, Host
from tasks_app.choices import LIVE, State
from tasks_app.models import Task

MOST_SERVERS = 50
"""Servers whose disks are looked at, of those that are asked about and of the others each."""


@dataclass(frozen=True)
class Held:
    """Bytes that a disk has to keep for downloads. `guessed`: those among them that nobody has
    asked a registry for: of models of unknown size, and of what a batch has not made yet."""

    bytes: int = 0
    guessed: int = 0

    def __add__(self, other: Held) -> Held:
        return Held(self.bytes + other.bytes, self.guessed + other.guessed)

    @property
    def certain(self) -> int:
        """Without what is a guess."""
        return self.bytes - self.guessed


class Reserved:
    """What other downloads have still to write to the disk of one server.

    Those to servers with the same disk count, too. Looks at their disks begin at once; `beside`
    waits for them. `task`: the download that begins now; for it only those count that run.
    """

    def __init__(self, server: OllamaServer, task: Task | None = None) -> None:
        self._server = server
        others = list(with_downloads().exclude(pk=server.pk)[:MOST_SERVERS])
        self._looks = looks_at(others)
        self._held = reserved_on_each([server, *others], task)

    def beside(self, host: Host) -> Held:
        """`host` is what was seen of the server's own machine."""
        hosts = {pk: look.result() for pk, look in self._looks.items()}
        hosts[self._server.pk] = host
        return by_device(self._held, hosts)[device_of(self._server.pk, hosts)]


def looks_at(servers: Iterable[OllamaServer]) -> dict[int, DiskLook]:
    """Begin to look at the disks of these servers, by their ids."""
    servers = list(servers)
    local, reports = local_candidates(servers), reports_of(servers)
    return {each.pk: DiskLook(each, local.get(each.pk), reports.get(each.pk)) for each in servers}


def device_of(pk: int, hosts: Mapping[int, Host]) -> Hashable:
    """What servers with one disk have in common. One that is not known is the server's own."""
    disk = hosts.get(pk, Host()).disk
    return ("device", disk.device) if disk is not None else ("server", pk)


def by_device(held: Mapping[int, Held], hosts: Mapping[int, Host]) -> dict[Hashable, Held]:
    """What is held for servers, by their ids, summed for each disk."""
    found: dict[Hashable, Held] = {}
    for pk, one in held.items():
        device = device_of(pk, hosts)
        found[device] = found.get(device, Held()) + one
    return found


def pulls_of(server: OllamaServer, states: Iterable[str], but: Task | None) -> QuerySet[Task]:
    """The server's downloads in these states."""
    pulls = Task.objects.filter(limit_key=pulls_key(server.pk), state__in=states)
    return pulls.exclude(pk=but.pk) if but is not None else pulls


def reserved_on_each(servers: Iterable[OllamaServer], task: Task | None = None) -> dict[int, Held]:
    """What the downloads of each server have still to write, by the servers' ids: those that wait,
    too, and those that batches have not made yet. For `task`, which begins now, only those that run
    count, and not itself."""
    keys = {pulls_key(server.pk): server.pk for server in servers}
    reserved = dict.fromkeys(keys.values(), Held())
    states = LIVE if task is None else (State.RUNNING,)
    pulls = Task.objects.filter(limit_key__in=keys, state__in=states).order_by()
    if task is not None:
        pulls = pulls.exclude(pk=task.pk)
    for key, *row in pulls.values_list("limit_key", "payload__needed", "done", "total"):
        reserved[keys[key]] += _left_of(*row)
    for pk, size in (unmade() if task is None else {}).items():
        if pk in reserved:
            reserved[pk] += Held(size, size)
    return reserved


def with_downloads() -> OllamaServerQuerySet:
    """The servers that have downloads in flight, in the queue, or in a batch that makes them."""
    keys = Task.objects.filter(type=PULL_TYPE, state__in=LIVE).order_by()
    found = set(keys.values_list("limit_key", flat=True).distinct())
    ids = {int(number) for key in found if (number := key.rpartition(":")[2]).isdecimal()}
    servers: OllamaServerQuerySet = OllamaServer.objects.filter(pk__in=ids | set(unmade()))
    return servers.order_by("pk")


def unmade() -> dict[int, int]:
    """Bytes of the downloads that batches have still to make, by the ids of their servers."""
    live = Batch.objects.filter(
        task__state__in=LIVE, task__halted=False, task__cancel_requested=False
    )
    # One that waits for its parts makes none any more.
    making = live.exclude(task__state=State.RUNNING, task__owner="", task__lease_until=None)
    found: dict[int, int] = {}
    for sizes in making.order_by().values_list("unmade", flat=True):
        for pk, size in sizes.items():
            found[int(pk)] = found.get(int(pk), 0) + size
    return found


def _left_of(needed: Any, done: int | None, total: int | None) -> Held:
    """By what the check found when the pull was asked for, and by how far it is."""
    known: Iterable[int] = [needed] if isinstance(needed, int) else []
    if total is not None:
        known = [*known, total - (done or 0)]
    elif not known:
        return Held(assumed_size(), assumed_size())
    return Held(max(0, min(known)))
