"""What a batch of downloads needs on each of its servers, and what its servers have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_noop

from models_app.batches.asking import MOST_SERVERS, Heard, ServerSaid
from models_app.host_reports import reports_of
from models_app.models import OllamaServer, PanelSettings
from models_app.ollama.registry import Manifest
from models_app.probes import local_candidates
from models_app.resources.answering import judge_server
from models_app.resources.host import DiskLook, Host
from models_app.resources.origin import judge_report, origin_of
from models_app.resources.space import pulls_key, reserved_on_each
from models_app.resources.verdict import BLOCK, DISK_TOO_SMALL, OK, UNKNOWN, WARN, Findings
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.choices import State
from tasks_app.models import Task

PULL_TYPE = "model.pull"
TOO_SMALL = gettext_noop(
    "The disk of “{server}” has {free} free, {reserved} of it for other downloads and {kept} to "
    "be kept free; these need {needed}. Not all of them fit."
)
MAYBE_TOO_SMALL = gettext_noop(
    "The disk of “{server}” has {free} free, {reserved} of it for other downloads and {kept} to "
    "be kept free; these may need up to {needed}."
)
DISK_SLOW = gettext_noop("The disk of “{server}” did not answer in time; it is not known.")
HELD = gettext_noop("Downloads are held: these wait until somebody lets them go on.")

Wanted = tuple[OllamaServer, Manifest | None]


@dataclass(frozen=True)
class Needed:
    """What all downloads to one server need together, each layer once.

    `bytes`: at most so many, where `exact` just so many; None where no size is known. `certain`:
    those of layers that the server has said not to have. `unknown`: models whose size nobody knows.
    """

    count: int
    unknown: int
    bytes: int | None
    certain: int
    exact: bool


@dataclass(frozen=True)
class ServerPlan:
    """One server of the plan. `answers`: None where it was not heard of in time."""

    server: OllamaServer
    needed: Needed
    answers: bool | None
    disk: dict[str, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The server as the API shows it."""
        return {
            "server": self.server.pk,
            "server_name": self.server.name,
            "count": self.needed.count,
            "bytes": self.needed.bytes,
            "exact": self.needed.exact,
            "answers": self.answers,
            "disk": self.disk,
            "downloads": self.downloads,
            "host": {**self.host, "detail": str(self.host.get("detail", ""))},
        }


class ServerLooks:
    """Looks at the servers' disks that have begun, and what the panel itself knows of them.

    Of more than `MOST_SERVERS` the others' disks are not looked at.
    """

    def __init__(self, servers: Iterable[OllamaServer]) -> None:
        self.servers = list({server.pk: server for server in servers}.values())
        looked_at = self.servers[:MOST_SERVERS]
        local, reports = local_candidates(looked_at), reports_of(looked_at)
        self._looks = {
            each.pk: DiskLook(each, local.get(each.pk), reports.get(each.pk)) for each in looked_at
        }
        self.panel = PanelSettings.objects.current()
        self.reserved = reserved_on_each(self.servers)
        self._running, self._every = _running_downloads(self.servers)

    def host(self, server: OllamaServer) -> Host:
        """The disk, as far as it was seen in time."""
        look = self._looks.get(server.pk)
        return look.result() if look is not None else Host()

    def downloads(self, server: OllamaServer) -> dict[str, Any]:
        """The downloads at work against the limits, as the check of a single one shows them."""
        return {
            "running": self._running.get(pulls_key(server), 0),
            "limit": self.panel.downloads_on(server),
            "overall_running": self._every,
            "overall_limit": self.panel.downloads_overall,
            "held": self.panel.downloads_held,
        }


def plan_servers(
    wanted: Sequence[Wanted], heard: Heard, looks: ServerLooks
) -> tuple[list[ServerPlan], Findings]:
    """Each server once, and what one should know before; nothing blocks a batch as a whole."""
    found, plans = Findings(), []
    if wanted and looks.panel.downloads_held:
        found.add(WARN, "downloads_held", Sentence(HELD))
    by_server: dict[int, list[Manifest | None]] = {}
    for server, manifest in wanted:
        by_server.setdefault(server.pk, []).append(manifest)
    for server in looks.servers:
        manifests = by_server.get(server.pk)
        if manifests is None:  # none of its models can be downloaded
            continue
        said = heard.servers.get(server.pk)
        if said is not None:
            judge_server(found, server, answered=said.answered, error=said.error)
        needed = _needed(manifests, said or ServerSaid())
        host = looks.host(server)
        judge_report(found, host)
        disk = _judge_disk(found, server, needed, looks, host)
        downloads = looks.downloads(server)
        origin = origin_of(host)
        plans.append(ServerPlan(server, needed, _answers(said), disk, downloads, origin))
    return plans, found


def bytes_of(manifest: Manifest, said: ServerSaid | None) -> int:
    """The bytes of one model that its server has not said to have."""
    there = said.layers if said is not None else {}
    return sum(size for digest, size in manifest.layers.items() if not there.get(digest))


def _needed(manifests: Sequence[Manifest | None], said: ServerSaid) -> Needed:
    known = [manifest for manifest in manifests if manifest is not None]
    layers = {digest: size for manifest in known for digest, size in manifest.layers.items()}
    missing = {digest: size for digest, size in layers.items() if not said.layers.get(digest)}
    unknown = len(manifests) - len(known)
    return Needed(
        count=len(manifests),
        unknown=unknown,
        bytes=sum(missing.values()) if known else None,
        certain=sum(size for digest, size in missing.items() if digest in said.layers),
        exact=not unknown and all(digest in said.layers for digest in layers),
    )


def _answers(said: ServerSaid | None) -> bool | None:
    if said is None or not (said.answered or said.error):
        return None
    return said.answered


def _judge_disk(
    found: Findings, server: OllamaServer, needed: Needed, looks: ServerLooks, host: Host
) -> dict[str, Any]:
    if "disk" in host.slow:
        found.add(WARN, "disk_timeout", Sentence(DISK_SLOW, server=server.name))
    kept, reserved = looks.panel.disk_kept(server), looks.reserved[server.pk]
    after, state, least = None, UNKNOWN, needed.certain
    if host.disk_free is not None and needed.bytes is not None:
        room = host.disk_free - reserved - kept
        after = host.disk_free - reserved - needed.bytes
        state = OK if needed.bytes <= max(0, room) else WARN
        state = BLOCK if least > max(0, room) else state
    if state in (BLOCK, WARN):
        sizes = {
            "free": host.disk_free,
            "reserved": reserved,
            "kept": kept,
            "needed": least if state == BLOCK else needed.bytes,
        }
        written = {name: format_size(size or 0) for name, size in sizes.items()}
        code = DISK_TOO_SMALL if state == BLOCK else "disk_maybe_too_small"
        text = TOO_SMALL if state == BLOCK else MAYBE_TOO_SMALL
        found.add(WARN, code, Sentence(text, server=server.name, **written))
    return {
        "state": state,
        "free": host.disk_free,
        "reserved": reserved,
        "kept": kept,
        "needed": needed.bytes,
        "after": after,
    }


def _running_downloads(servers: Iterable[OllamaServer]) -> tuple[dict[str, int], int]:
    """How many run on each server, by its key, and in all."""
    keys = [pulls_key(server) for server in servers]
    running = Task.objects.filter(state=State.RUNNING).order_by()
    here = running.filter(limit_key__in=keys).values("limit_key").annotate(n=Count("pk"))
    return {row["limit_key"]: row["n"] for row in here}, running.filter(type=PULL_TYPE).count()
