"""The check before a download."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from models_app.ollama.errors import ManifestMissing, RegistryError, RegistryUnreachable
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest
from models_app.probes import disk_free
from models_app.querysets import GONE
from models_app.services.survey import Answers, survey
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.choices import LIVE, State
from tasks_app.models import Task

OK, WARN, BLOCK, UNKNOWN = "ok", "warn", "block", "unknown"
NOTE = "note"
DISK_TOO_SMALL = "disk_too_small"


@dataclass(frozen=True)
class Preflight:
    """The verdict: `ok`, `warn` or `block`, with its reasons. `as_json` has the API's shape.

    `manifest` is what the registry said, for who goes on from here.
    """

    verdict: str
    download_bytes: int | None = None
    estimate: str = UNKNOWN
    disk: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[dict[str, Any], ...] = ()
    manifest: Manifest | None = None

    def as_json(self) -> dict[str, Any]:
        """The API's answer, in the reader's language."""
        return {
            "verdict": self.verdict,
            "download_bytes": self.download_bytes,
            "estimate": self.estimate,
            "disk": self.disk,
            "memory": self.memory,
            "network": self.network,
            "downloads": self.downloads,
            "reasons": [
                {"code": reason["code"], "detail": str(reason["detail"])} for reason in self.reasons
            ],
        }

    def sentence(self) -> str:
        """The reasons that block, as one text."""
        return " ".join(str(r["detail"]) for r in self.reasons if r["level"] == BLOCK)

    def reason(self, code: str) -> object | None:
        """The sentence of one reason; None where it is not among them."""
        return next((r["detail"] for r in self.reasons if r["code"] == code), None)


@dataclass
class _Findings:
    """The reasons that follow from the answers."""

    reasons: list[dict[str, Any]] = field(default_factory=list)

    def add(self, level: str, code: str, detail: object) -> None:
        self.reasons.append({"level": level, "code": code, "detail": detail})

    @property
    def verdict(self) -> str:
        levels = {reason["level"] for reason in self.reasons}
        return next((level for level in (BLOCK, WARN) if level in levels), OK)


def check_pull(*, server: OllamaServer, name: str, task: Task | None = None) -> Preflight:
    """Look at what a pull would need, within 2 s; what is not known by then is `unknown`.

    Only what is certain blocks: a server that is gone, a model that its registry does not have, a
    disk that is too small. `task`: the pull that begins now; those that wait behind it do not
    count.
    """
    found = _Findings()
    answers = survey(server, ModelName.parse(name))
    _judge_server(found, server, answers)
    network = _judge_registry(found, answers)
    download = answers.missing_bytes
    disk = _disk(found, server, download, task)
    downloads = _downloads(found, server, task)
    if server.is_simulated:
        found.add(NOTE, "simulated", _("This server is simulated: nothing is really downloaded."))
    return Preflight(
        verdict=found.verdict,
        download_bytes=download,
        estimate="manifest" if download is not None else UNKNOWN,
        disk=disk,
        memory={"state": UNKNOWN, "free": None, "needed": None},
        network={"state": network},
        downloads=downloads,
        reasons=tuple(found.reasons),
        manifest=answers.manifest,
    )


def _judge_server(found: _Findings, server: OllamaServer, answers: Answers) -> None:
    """What the server says now is worth more than what its last check said."""
    if answers.server_answered:
        return
    error = answers.server_error
    if error is not None:
        level = WARN if error.code in ("busy", "server_error", "timeout") else BLOCK
        found.add(level, f"server_{error.code}", error.detail)
    elif server.status == ServerStatus.UNAUTHORIZED:
        sentence = _("“{name}” does not accept the panel's credentials. Correct them first.")
        found.add(BLOCK, "server_unauthorized", Sentence(sentence, name=server.name))
    elif server.status in GONE:
        sentence = _("“{name}” does not answer. Start it or correct its address first.")
        found.add(BLOCK, "server_offline", Sentence(sentence, name=server.name))
    else:
        sentence = _("“{name}” does not answer just now; the download begins when it does.")
        found.add(WARN, "server_silent", Sentence(sentence, name=server.name))


def _judge_registry(found: _Findings, answers: Answers) -> str:
    """The state of the network between the panel and the registry."""
    error = answers.registry_error
    if answers.manifest is not None:
        return OK
    if error is None:
        detail = _("The registry did not answer in time; the size of the download is not known.")
        found.add(WARN, "registry_timeout", detail)
        return UNKNOWN
    found.add(BLOCK if isinstance(error, ManifestMissing) else WARN, error.code, error.detail)
    return _network_state(error)


def _network_state(error: RegistryError) -> str:
    if isinstance(error, RegistryUnreachable):
        return WARN
    return OK if isinstance(error, ManifestMissing) else UNKNOWN


def _disk(
    found: _Findings, server: OllamaServer, needed: int | None, task: Task | None
) -> dict[str, Any]:
    free = disk_free(server)
    reserved = _reserved(server, task)
    after = free - reserved - needed if free is not None and needed is not None else None
    state = UNKNOWN if after is None else (OK if after >= 0 else BLOCK)
    if state == BLOCK and free is not None and needed is not None:
        detail = Sentence(
            _(
                "The disk has {free} free, {reserved} of it for other downloads, and this one "
                "needs {needed}. Delete models there or add space, then try again."
            ),
            free=format_size(free),
            reserved=format_size(reserved),
            needed=format_size(needed),
        )
        found.add(BLOCK, DISK_TOO_SMALL, detail)
    return {"state": state, "free": free, "reserved": reserved, "needed": needed, "after": after}


def _reserved(server: OllamaServer, task: Task | None) -> int:
    """Bytes that the server's other pulls have still to write: those that wait, too."""
    pulls = _pulls_of(server, LIVE if task is None else (State.RUNNING,), task)
    rows = pulls.values_list("payload__needed", "done", "total")
    return sum(_bytes_left(*row) for row in rows)


def _bytes_left(needed: Any, done: int | None, total: int | None) -> int:
    """By what the check found when the pull was asked for, and by how far it is."""
    known: Iterable[int] = [needed] if isinstance(needed, int) else []
    if total is not None:
        known = [*known, total - (done or 0)]
    return max(0, min(known, default=0))


def _downloads(found: _Findings, server: OllamaServer, task: Task | None) -> dict[str, Any]:
    limit = server.max_downloads or settings.DOWNLOADS_PER_SERVER
    states = _pulls_of(server, (State.QUEUED, State.RUNNING), task).values_list("state", flat=True)
    before = list(states)
    if task is None and len(before) >= limit:
        detail = Sentence(
            _("Downloads before this one: {count}. This server runs {limit} at once."),
            count=len(before),
            limit=limit,
        )
        found.add(WARN, "queued_behind", detail)
    return {"running": before.count(State.RUNNING), "limit": limit}


def _pulls_of(server: OllamaServer, states: Iterable[str], but: Task | None) -> Any:
    pulls = Task.objects.filter(limit_key=f"server.pulls:{server.pk}", state__in=states)
    return pulls.exclude(pk=but.pk) if but is not None else pulls
