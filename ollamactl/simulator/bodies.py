"""Request bodies, read and refused as Ollama reads and refuses them."""

from __future__ import annotations

import json
from typing import Any

from ollamactl.simulator.http_server import Request
from ollamactl.simulator.names import Name, parse_name

INVALID_NAME = "invalid model name"


class Refused(Exception):
    """Answer this request with a status and an error in Ollama's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in a request; any Content-Type will do, as with Ollama."""
    if not request.body:
        raise Refused(400, "missing request body")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        position = getattr(error, "pos", 0)
        found = request.body[position : position + 1].decode("ascii", "replace")
        message = (
            f"invalid character '{found}' looking for beginning of value"
            if found
            else "unexpected EOF"
        )
        raise Refused(400, message) from error
    if not isinstance(body, dict):
        raise Refused(400, "json: cannot unmarshal into Go value of type api.Request")
    return body


def model_text(body: dict[str, Any]) -> str:
    """`model`, or its older spelling `name`."""
    text = body.get("model") or body.get("name") or ""
    if not isinstance(text, str):
        raise Refused(400, "json: cannot unmarshal into Go struct field .model of type string")
    return text


def require_name(text: str, *, empty: tuple[int, str]) -> Name:
    """Parse a name; `empty` is how this call refuses an empty one."""
    if not text.strip():
        raise Refused(*empty)
    name = parse_name(text)
    if name is None:
        raise Refused(400, INVALID_NAME)
    return name


def refuse_cloud(name: Name, operation: str) -> None:
    """Refuse what a cloud model would do: the simulated server has no cloud."""
    if name.is_cloud:
        raise Refused(403, f"ollama cloud is disabled: {operation}")


def streams(body: dict[str, Any]) -> bool:
    """Ollama streams unless told not to."""
    return body.get("stream") is not False
