"""Asking an address whether Open WebUI is there.

GET /api/config is what its own page reads before the login:
https://github.com/open-webui/open-webui/blob/v0.12.4/backend/open_webui/main.py
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext_noop

from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.netguard import Answer, Policy, TlsRefused, fetch
from ollamactl.lib.sentences import Sentence

SECONDS = 2.0
LARGEST = 256_000
LONGEST_NAME = 100


class State(Enum):
    """What answers at an address."""

    READY = "ready"
    GUARDED = "guarded"
    STARTING = "starting"
    SOMETHING_ELSE = "something_else"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Visit:
    """One look at one address. `detail` says what was seen, and what to do about it."""

    url: str
    state: State
    detail: Sentence
    name: str = ""
    version: str = ""


def visit_all(urls: Sequence[str], *, ca_pem: str = "") -> list[Visit]:
    """Look at these addresses, all at once; two seconds in all. None is followed elsewhere.

    They come from an administrator or are the panel's own guesses on its machine and the servers'.
    """
    return asyncio.run(_visit_all(urls, ca_pem))


async def _visit_all(urls: Sequence[str], ca_pem: str) -> list[Visit]:
    return list(await asyncio.gather(*(_visit(url, ca_pem) for url in urls)))


async def _visit(url: str, ca_pem: str) -> Visit:
    policy = Policy(
        allow_private=True,
        allow_loopback=True,
        connect_timeout_s=SECONDS,
        total_timeout_s=SECONDS,
        max_bytes=LARGEST,
        ca_pem=ca_pem,
    )
    try:
        answer = await fetch("GET", f"{url}/api/config", policy=policy)
    except ApplicationError as error:
        text = _CERTIFICATE if isinstance(error.__cause__, TlsRefused) else _NOTHING
        return Visit(url, State.NOTHING, Sentence(text, url=url))
    return _judge(url, answer)


def _judge(url: str, answer: Answer) -> Visit:
    status = answer.status
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE):
        return Visit(url, State.STARTING, Sentence(_STARTING, url=url))
    if 300 <= status < 400 or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Visit(url, State.GUARDED, Sentence(_GUARDED, url=url))
    config = _config_of(answer) if status == HTTPStatus.OK else None
    if config is None:
        return Visit(url, State.SOMETHING_ELSE, Sentence(_SOMETHING_ELSE, url=url))
    name, version = _short(config["name"]), _short(config["version"])
    detail = Sentence(_READY, name=name, version=version)
    return Visit(url, State.READY, detail, name, version)


def _config_of(answer: Answer) -> dict[str, Any] | None:
    """The configuration that Open WebUI alone shows in this shape; its name is its owner's."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("status") is not True:
        return None
    features = data.get("features")
    texts = all(isinstance(data.get(field), str) for field in ("name", "version"))
    is_it = texts and isinstance(features, dict) and isinstance(features.get("auth"), bool)
    return data if is_it else None


def _short(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_NAME]


_READY = gettext_noop("{name} {version} answers.")
_GUARDED = gettext_noop(
    "Something at {url} asks for a login of its own first or leads elsewhere, so that the panel "
    "cannot see whether Open WebUI is behind it."
)
_STARTING = gettext_noop(
    "A proxy answers at {url}, but Open WebUI behind it does not (yet). It takes a minute to "
    "start; if it goes on, look at its log."
)
_SOMETHING_ELSE = gettext_noop(
    "What answers at {url} is not Open WebUI. Check the address and the port."
)
_CERTIFICATE = gettext_noop(
    "The certificate at {url} is not trusted, or it does not speak https. Check http or https in "
    "the address."
)
_NOTHING = gettext_noop("Nothing answers at {url}. Check that Open WebUI runs there.")
