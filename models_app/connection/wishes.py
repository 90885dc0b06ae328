"""What somebody wants to know of a connection, as an address's parameters say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext as _

from models_app.connection.situations import SITUATIONS, Place
from models_app.ollama.names import ModelName
from ollamactl.lib.errors import InvalidInput

TRUTHS = {"": False, "true": True, "1": True, "false": False, "0": False}


def wishes_of(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The keywords of `connection_info`; raises `InvalidInput` with the parameter at fault.

    `place`, `for` (a situation), `model` (a name in any form), `try`.
    """
    place = parameters.get("place", "")
    situation = parameters.get("for", "")
    attempt = parameters.get("try", "").lower()
    _require(place, Place.values, "place")
    _require(situation, SITUATIONS, "for")
    if attempt not in TRUTHS:
        _require(attempt, ("true", "false"), "try")
    name = parameters.get("model", "").strip()
    return {
        "place": Place(place) if place else None,
        "situations": (situation,) if situation else SITUATIONS,
        "model": _model(name) if name else "",
        "try_it": TRUTHS[attempt],
    }


def host_of(request: HttpRequest) -> str:
    """The host by which the panel was reached, without its port."""
    return split_domain_port(request.get_host())[0].strip("[]")


def _model(name: str) -> str:
    try:
        return ModelName.parse(name).display
    except InvalidInput as error:
        raise InvalidInput(error.detail, code=error.code, attr="model") from error


def _require(value: str, allowed: tuple[str, ...] | list[str], attr: str) -> None:
    if value and value not in allowed:
        raise InvalidInput(
            _("“%(value)s” is none of: %(choices)s.")
            % {"value": value[:40], "choices": ", ".join(allowed)},
            attr=attr,
        )
