"""Connection information as a file: `.env`, JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from models_app.services.connection import Connection, Way
from ollamactl.lib.exports import to_env, to_yaml

CONTENT_TYPES = {"env": "text/plain", "json": "application/json", "yaml": "application/yaml"}
FORMATS = tuple(CONTENT_TYPES)


def to_text(info: Connection, ways: Iterable[Way], format: str) -> str:
    """The text of a file about some situations of a server."""
    return _WRITERS[format](info, list(ways))


def file_name(info: Connection, format: str) -> str:
    """A name for the file, by the server's."""
    return f"ollama-{slugify(info.server.name) or info.server.pk}.{format}"


def _env(info: Connection, ways: list[Way]) -> str:
    variables: dict[str, str] = {}
    for way in ways:
        variables |= way.variables
    about = ", ".join(way.label for way in ways)
    return to_env(
        variables,
        comment=f"{info.server.name} · {about}",
        untold=_("Fill this in: the panel never tells a server's secrets."),
    )


def _data(info: Connection, ways: list[Way]) -> dict[str, Any]:
    return {
        "server": info.server.name,
        "model": info.model,
        "authentication": str(info.key.kind),
        "situations": {way.situation: _of(way) for way in ways},
    }


def _of(way: Way) -> dict[str, Any]:
    return {
        "place": str(way.place),
        "url": way.judgement.url,
        "openai_url": way.openai_url,
        "variables": way.variables,
    }


def _json(info: Connection, ways: list[Way]) -> str:
    return json.dumps(_data(info, ways), ensure_ascii=False, indent=2) + "\n"


def _yaml(info: Connection, ways: list[Way]) -> str:
    return to_yaml(_data(info, ways))


_WRITERS: dict[str, Callable[[Connection, list[Way]], str]] = {
    "env": _env,
    "json": _json,
    "yaml": _yaml,
}
