"""What somebody who connects to a server should know first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop

from models_app.choices import AuthKind
from models_app.connection.machine import is_loopback
from models_app.connection.probing import Outcome, Tried
from models_app.models import OllamaServer
from models_app.querysets import SEEN
from ollamactl.lib.sentences import Sentence

Level = Literal["warning", "info"]


@dataclass(frozen=True)
class Caution:
    """`code` for programs, `detail` for people."""

    code: str
    level: Level
    detail: Sentence


def cautions_for(server: OllamaServer, tried: Tried | None) -> list[Caution]:
    """What was seen, the worst first; by the last check alone where nothing was tried."""
    found = []
    if url := _open_without_key(server, tried):
        detail = Sentence(_OPEN, url=url)
        found.append(Caution("open_without_key", "warning", detail))
    if server.auth_kind != AuthKind.NONE:
        if tried and tried.anonymous[server.base_url].outcome == Outcome.OPEN:
            found.append(Caution("credentials_not_asked", "warning", Sentence(_NOT_ASKED)))
        if server.base_url.startswith("http://") and _is_outside(server.base_url):
            found.append(Caution("credentials_in_the_clear", "warning", Sentence(_IN_THE_CLEAR)))
    if server.ca_pem.strip():
        found.append(Caution("own_ca", "info", Sentence(_OWN_CA)))
    if server.is_simulated:
        found.append(Caution("simulated", "info", Sentence(_SIMULATED)))
    return found


def _open_without_key(server: OllamaServer, tried: Tried | None) -> str:
    """A URL beyond the panel's machine at which Ollama answers to anybody; empty for none."""
    if tried is not None:
        outside = (
            url
            for url, probe in tried.anonymous.items()
            if probe.outcome == Outcome.OPEN
            and _is_outside(url)
            and probe.version == (tried.own.version or probe.version)
        )
        return next(outside, "")
    known = server.auth_kind == AuthKind.NONE and server.status in SEEN
    return server.base_url if known and _is_outside(server.base_url) else ""


def _is_outside(url: str) -> bool:
    return not is_loopback(urlsplit(url).hostname or "")


_OPEN = gettext_noop(
    "Ollama is open to the network without a key: everybody who reaches {url} can use, load and "
    "delete its models. Put a proxy that asks for a key in front of it, or let it listen on "
    "127.0.0.1 alone (OLLAMA_HOST)."
)
_NOT_ASKED = gettext_noop(
    "The server answers without its credentials too. Check the proxy that should ask for them."
)
_IN_THE_CLEAR = gettext_noop(
    "The credentials travel over plain http, readable by everybody on the way. Use https."
)
_OWN_CA = gettext_noop(
    "The server's certificate comes from an authority of your own: give each program that "
    "authority's file, many by SSL_CERT_FILE."
)
_SIMULATED = gettext_noop("This server is a simulation: its answers are made up.")
