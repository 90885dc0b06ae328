"""What is known of a way to a server: whether it works, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from models_app.connection.machine import is_loopback
from models_app.connection.probing import Outcome, Probe, Tried
from models_app.connection.routes import DOCKER_HOST, Route
from models_app.connection.situations import Place
from models_app.models import OllamaServer
from models_app.querysets import GONE, SEEN
from ollamactl.lib.sentences import Sentence

WORKS, FAILS, UNKNOWN = "works", "fails", "unknown"
STATES = (WORKS, FAILS, UNKNOWN)
LABELS = {WORKS: _("works"), FAILS: _("does not work"), UNKNOWN: _("not known")}
# What fails is no alarm: that nobody else gets to an Ollama is how it is delivered.
TONES = {WORKS: "good", FAILS: "warn", UNKNOWN: ""}


@dataclass(frozen=True)
class Judgement:
    """One URL for one place. `state` is one of `STATES`; `detail` says why, or what to do."""

    url: str
    state: str
    detail: Sentence

    @property
    def label(self) -> str:
        """The state in words."""
        return str(LABELS[self.state])

    @property
    def tone(self) -> str:
        """Its colour, as badges have it."""
        return TONES[self.state]


def judge(
    server: OllamaServer, place: Place, routes: Sequence[Route], tried: Tried | None
) -> Judgement:
    """The best of the routes, by what was tried; by the last check alone where nothing was."""
    if not routes:
        return Judgement("", UNKNOWN, Sentence(_NO_ADDRESS))
    if tried is None:
        return _by_last_check(server, routes[0])
    judged = [_judge_one(server, place, route, tried) for route in routes]
    return next((one for one in judged if one.state == WORKS), judged[0])


def _by_last_check(server: OllamaServer, route: Route) -> Judgement:
    if route.asked == server.base_url and server.status in SEEN:
        return Judgement(route.url, WORKS, Sentence(_LAST_CHECK))
    if server.status in GONE:
        return Judgement(route.url, FAILS, Sentence(_GONE))
    return Judgement(route.url, UNKNOWN, Sentence(_NOT_TRIED))


def _judge_one(server: OllamaServer, place: Place, route: Route, tried: Tried) -> Judgement:
    if not route.asked:
        text = _CONTAINER_UNKNOWN if place == Place.CONTAINER else _CANNOT_TRY
        return Judgement(route.url, UNKNOWN, Sentence(text))
    at_home = route.asked == server.base_url
    probe = tried.own if at_home else tried.anonymous[route.asked]
    if not at_home and probe.outcome == Outcome.OPEN and _is_another(probe, tried.own):
        detail = Sentence(_ANOTHER, version=probe.version)
        return Judgement(route.url, FAILS, detail)
    if probe.outcome == Outcome.OPEN or (probe.outcome == Outcome.LOCKED and not at_home):
        return Judgement(route.url, WORKS, _praise(place, at_home=at_home, probe=probe))
    if not at_home and tried.own.outcome == Outcome.NOTHING:
        # The server is off, or too slow just now: so nothing is known of where it listens.
        return Judgement(route.url, UNKNOWN, Sentence(_GONE))
    return Judgement(route.url, FAILS, _complaint(server, place, at_home=at_home, probe=probe))


def _is_another(probe: Probe, own: Probe) -> bool:
    return bool(own.version) and probe.version != own.version


def _praise(place: Place, *, at_home: bool, probe: Probe) -> Sentence:
    if place == Place.CONTAINER and not at_home:
        return Sentence(_CONTAINER_WORKS, host=DOCKER_HOST)
    if place == Place.LOCAL_NETWORK and not at_home:
        return Sentence(_LOCKED if probe.outcome == Outcome.LOCKED else _NETWORK_WORKS)
    return Sentence(_ANSWERS)


def _complaint(server: OllamaServer, place: Place, *, at_home: bool, probe: Probe) -> Sentence:
    if at_home or probe.outcome == Outcome.SOMETHING_ELSE:
        return probe.error if isinstance(probe.error, Sentence) else Sentence(_SILENT)
    if is_loopback(urlsplit(server.base_url).hostname or ""):
        return Sentence(_ONLY_HERE if place == Place.LOCAL_NETWORK else _CONTAINER_SHUT_OUT)
    return Sentence(_SILENT)


_LAST_CHECK = gettext_noop("It answered at the last check.")
_NOT_TRIED = gettext_noop("Not tried yet.")
_GONE = gettext_noop("The server does not answer the panel just now; its page says why.")
_ANSWERS = gettext_noop("It answers here.")
_SILENT = gettext_noop("Nothing answers there. Is the server off, or a firewall between?")
_NO_ADDRESS = gettext_noop("The panel's machine has no address in a network.")
_CANNOT_TRY = gettext_noop("The panel runs in a container and cannot try this one out.")
_ANOTHER = gettext_noop("Another Ollama answers there: its version is {version}.")
_LOCKED = gettext_noop("It answers at this address and asks for credentials.")
_NETWORK_WORKS = gettext_noop(
    "It answers at this address. From other machines too, if no firewall keeps them out."
)
_ONLY_HERE = gettext_noop(
    "Ollama listens on its own machine alone. To let others in, set OLLAMA_HOST=0.0.0.0 where it "
    "starts and restart it; put a proxy that asks for a key in front, as Ollama itself asks for "
    "none."
)
_CONTAINER_WORKS = gettext_noop(
    "It answers in the network of this machine's containers. On Linux give the container "
    "--add-host={host}:host-gateway."
)
_CONTAINER_SHUT_OUT = gettext_noop(
    "Ollama does not listen where this machine's containers could reach it. Set OLLAMA_HOST to the "
    "address of their network or to 0.0.0.0 and restart it, or start the container with "
    "--network=host and use the URL for this machine."
)
_CONTAINER_UNKNOWN = gettext_noop(
    "This cannot be tried here, as this machine shows no network of containers. With Docker "
    "Desktop it works as it is; on Linux Ollama must not listen on 127.0.0.1 alone."
)
