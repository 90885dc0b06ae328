"""The jump to Open WebUI: where it is, set or found, and whether a browser gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from models_app.connection.machine import is_loopback
from models_app.connection.routes import HOST_NAMES, with_host
from models_app.models import OllamaServer
from models_app.open_webui.asking import State, Visit, visit_all
from ollamactl.lib.connections import close_connections
from ollamactl.lib.sentences import Sentence

VIEW = "models_app.view_ollamaserver"
# Docker's usual mapping of it, and the port that it listens on by itself.
USUAL_PORTS = (3000, 8080)
HERE = "127.0.0.1"

Source = Literal["set", "found", "none"]
SOURCES = ("set", "found", "none")
STATES = ("ready", "only_here", "guarded", "starting", "something_else", "nothing")


@dataclass(frozen=True)
class Jump:
    """Where to jump. `url`: empty where nothing is set and nothing found. `state`: one of
    `STATES`; a browser may go there if it is `ready`, and on its own risk if `guarded`.
    """

    url: str
    source: Source
    state: str
    detail: Sentence
    name: str = ""
    version: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether Open WebUI has answered where the reader's browser reaches it."""
        return self.state == "ready"


def open_webui_of(*, actor: Actor, server: OllamaServer, asked_as: str = "") -> Jump:
    """Look for the Open WebUI of a server; two seconds at most.

    `asked_as`: the host by which the reader has reached the panel: an address of loopback is the
    reader's own machine only if the panel is.
    """
    actor.require(VIEW)
    if server.open_webui_url:
        return _set(server, asked_as)
    return _found(server, asked_as)


def _set(server: OllamaServer, asked_as: str) -> Jump:
    url = server.open_webui_url
    reachable = _from_afar(url, asked_as)
    visits = {visit.url: visit for visit in _visit({url, reachable}, server)}
    best = visits[reachable]
    if best.state == State.READY or reachable == url:
        return _jump(best, "set")
    if visits[url].state == State.READY:
        return _only_here(visits[url], "set")
    return _jump(visits[url], "set")


def _found(server: OllamaServer, asked_as: str) -> Jump:
    urls = _usual_urls(server, asked_as)
    ready = [visit for visit in _visit(urls, server) if visit.state == State.READY]
    for visit in ready:
        if visit.url == _from_afar(visit.url, asked_as):
            return _jump(visit, "found")
    if ready:
        return _only_here(ready[0], "found")
    places = ", ".join(urls)
    return Jump("", "none", "nothing", Sentence(_NOWHERE, places=places))


def _visit(urls: set[str] | list[str], server: OllamaServer) -> list[Visit]:
    close_connections()  # of a bounded pool, which others may wait for
    return visit_all(list(urls), ca_pem=server.ca_pem)


def _from_afar(url: str, asked_as: str) -> str:
    """The URL as the reader's browser has to name it."""
    is_far = bool(asked_as) and not is_loopback(asked_as)
    host = urlsplit(url).hostname or ""
    return with_host(url, asked_as) if is_far and is_loopback(host) else url


def _usual_urls(server: OllamaServer, asked_as: str) -> list[str]:
    """The panel's machine by the reader's name for it and by its own, and the Ollama's machine."""
    host = urlsplit(server.base_url).hostname or HERE
    here = is_loopback(host) or host in HOST_NAMES
    hosts = dict.fromkeys([asked_as or HERE, HERE, HERE if here else host])
    own = settings.CONFIG.bind_port
    return [
        with_host(f"http://{HERE}:{port}", host)
        for host in hosts
        for port in USUAL_PORTS
        if port != own
    ]


def _jump(visit: Visit, source: Source) -> Jump:
    return Jump(visit.url, source, visit.state.value, visit.detail, visit.name, visit.version)


def _only_here(visit: Visit, source: Source) -> Jump:
    detail = Sentence(_ONLY_HERE, name=visit.name, url=visit.url)
    return Jump(visit.url, source, "only_here", detail, visit.name, visit.version)


_NOWHERE = gettext_noop("No Open WebUI was found. Looked at: {places}.")
_ONLY_HERE = gettext_noop(
    "{name} answers at {url}, but on the panel's machine alone: your browser does not get there. "
    "Let it listen to the network, or put it behind a proxy and set that address here."
)
