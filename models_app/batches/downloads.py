"""What a batch of downloads needs on each of its servers, and what its servers have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

from models_app.batches.asking import Heard, ServerSaid
from models_app.batches.looks import ServerLooks, SharedDisk
from models_app.catalogue import find
from models_app.models import OllamaServer
from models_app.ollama.registry import Manifest
from models_app.resources.answering import judge_server
from models_app.resources.estimates import assumed_size
from models_app.resources.origin import judge_report, origin_of
from models_app.resources.verdict import BLOCK, DISK_TOO_SMALL, OK, UNKNOWN, WARN, Findings
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size

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


@dataclass(frozen=True)
class Wanted:
    """One model for one server: what its registry says of it, else the bytes that it is likely to
    have; neither: not known."""

    server: OllamaServer
    name: str
    manifest: Manifest | None = None
    guess: int | None = None


@dataclass(frozen=True)
class Needed:
    """What all downloads to one server, or to one disk, need together, each layer once.

    `bytes`: at most so many, where `exact` just so many; None where no size is known. `certain`:
    those of layers that the server has said not to have. `estimated`: models whose size is an
    estimate, and `unknown`: those of whose size nobody knows anything.
    """

    count: int
    unknown: int
    estimated: int
    bytes: int | None
    certain: int
    exact: bool

    @property
    def with_unknown(self) -> int | None:
        """With what is kept free for those of unknown size; None where no model is left."""
        return (self.bytes or 0) + self.unknown * assumed_size() if self.count else None


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
            "estimated": self.needed.estimated,
            "answers": self.answers,
            "disk": self.disk,
            "downloads": self.downloads,
            "host": {**self.host, "detail": str(self.host.get("detail", ""))},
        }


def plan_servers(
    wanted: Sequence[Wanted], heard: Heard, looks: ServerLooks
) -> tuple[list[ServerPlan], Findings]:
    """Each server once, and what one should know before; nothing blocks a batch as a whole."""
    found, plans = Findings(), []
    if wanted and looks.panel.downloads_held:
        found.add(WARN, "downloads_held", Sentence(HELD))
    by_server: dict[int, list[Wanted]] = {}
    for each in wanted:  # a server without any has nothing that can be downloaded
        by_server.setdefault(each.server.pk, []).append(each)
    servers = [server for server in looks.servers if server.pk in by_server]
    for server in servers:
        said = heard.servers.get(server.pk)
        if said is not None:
            judge_server(found, server, answered=said.answered, error=said.error)
    disks: dict[int, dict[str, Any]] = {}
    for disk in looks.disks(servers):
        disks |= dict.fromkeys(disk.ids, _judge_disk(found, disk, _on_disk(disk, by_server, heard)))
    for server in servers:
        said, needed = heard.servers.get(server.pk), _needed(by_server[server.pk], heard)
        host = looks.host(server)
        judge_report(found, host)
        plan = ServerPlan(
            server,
            needed,
            _answers(said),
            disks[server.pk],
            looks.downloads(server),
            origin_of(host),
        )
        plans.append(plan)
    return plans, found


def bytes_of(manifest: Manifest, said: ServerSaid | None) -> int:
    """The bytes of one model that its server has not said to have."""
    there = said.layers if said is not None else {}
    return sum(size for digest, size in manifest.layers.items() if not there.get(digest))


def _on_disk(disk: SharedDisk, wanted: dict[int, list[Wanted]], heard: Heard) -> Needed:
    """Servers of one folder have each layer once; other folders of the disk have their own."""
    parts = [
        _needed([each for server in folder for each in wanted[server.pk]], heard)
        for folder in disk.folders
    ]
    known = [part.bytes for part in parts if part.bytes is not None]
    return Needed(
        count=sum(part.count for part in parts),
        unknown=sum(part.unknown for part in parts),
        estimated=sum(part.estimated for part in parts),
        bytes=sum(known) if known else None,
        certain=sum(part.certain for part in parts),
        exact=all(part.exact for part in parts),
    )


def _needed(wanted: Sequence[Wanted], heard: Heard) -> Needed:
    """What one folder has to take, for one server or for several that share it."""
    known = [each for each in wanted if each.manifest is not None]
    guesses = {
        content_of(each.name): each.guess
        for each in wanted
        if each.manifest is None and each.guess is not None
    }
    layers: dict[str, int] = {}
    for each in known:
        assert each.manifest is not None  # noqa: S101 - narrows the type
        layers |= each.manifest.layers
    said = _said({each.server.pk for each in wanted}, heard)
    missing = {digest: size for digest, size in layers.items() if not said.get(digest)}
    estimated = sum(each.manifest is None and each.guess is not None for each in wanted)
    unknown = len(wanted) - len(known) - estimated
    return Needed(
        count=len(wanted),
        unknown=unknown,
        estimated=estimated,
        bytes=sum(missing.values()) + sum(guesses.values()) if known or guesses else None,
        certain=sum(size for digest, size in missing.items() if digest in said),
        exact=not (unknown or estimated) and all(digest in said for digest in layers),
    )


def content_of(name: str) -> str:
    """The same for all names of one download, as far as the catalogue knows them."""
    tag = find(name)
    return tag.name if tag is not None else name


def _said(servers: set[int], heard: Heard) -> dict[str, bool]:
    """By digest, whether a folder has a layer whole, as far as one of its servers has said it."""
    found: dict[str, bool] = {}
    for pk in servers:
        for digest, is_there in heard.servers.get(pk, ServerSaid()).layers.items():
            found[digest] = found.get(digest, False) or is_there
    return found


def _answers(said: ServerSaid | None) -> bool | None:
    if said is None or not (said.answered or said.error):
        return None
    return said.answered


def _judge_disk(found: Findings, disk: SharedDisk, needed: Needed) -> dict[str, Any]:
    names = ", ".join(server.name for server in disk.servers)
    if disk.is_slow:
        found.add(WARN, "disk_timeout", Sentence(DISK_SLOW, server=names))
    after, state, least, most = None, UNKNOWN, needed.certain, needed.with_unknown
    if disk.free is not None and most is not None:
        after = disk.free - disk.reserved.bytes - most
        room = max(0, disk.free - disk.reserved.bytes - disk.kept)
        certain_room = max(0, disk.free - disk.reserved.certain - disk.kept)
        state = OK if most <= room else WARN
        state = BLOCK if least > certain_room else state
    if state in (BLOCK, WARN):
        sizes = {
            "free": disk.free,
            "reserved": disk.reserved.certain if state == BLOCK else disk.reserved.bytes,
            "kept": disk.kept,
            "needed": least if state == BLOCK else most,
        }
        written = {name: format_size(size or 0) for name, size in sizes.items()}
        code = DISK_TOO_SMALL if state == BLOCK else "disk_maybe_too_small"
        text = TOO_SMALL if state == BLOCK else MAYBE_TOO_SMALL
        found.add(WARN, code, Sentence(text, server=names, **written))
    return {
        "state": state,
        "free": disk.free,
        "reserved": disk.reserved.bytes,
        "reserved_guessed": disk.reserved.guessed,
        "kept": disk.kept,
        "needed": most,
        "after": after,
    }
