"""What goes over the socket, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import override

from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.moments import now_as_text


def encode(
    type: str,
    *,
    subject: str = "",
    seq: int = 0,
    data: Mapping[str, Any] | None = None,
) -> str:
    """One message to a client, as JSON: `{type, seq, ts, subject, data}`.

    `ts` is the present time, UTC in ISO 8601 with `Z`.
    """
    message = {
        "type": type,
        "seq": seq,
        "ts": now_as_text(),
        "subject": subject,
        "data": data,
    }
    return json.dumps(message, cls=DjangoJSONEncoder, separators=(",", ":"))


def encode_error(error: ApplicationError, language: str) -> str:
    """`error {code, detail, …}` with the sentence in the client's language."""
    with override(language):
        data = {"code": error.code, "detail": str(error.detail), **error.extra}
    return encode("error", data=data)
