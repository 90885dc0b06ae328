"""Reading bodies: JSON in UTF-8, bounded, without what a database cannot hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

LONGEST_BODY = 1_000_000
DEEPEST = 20


class TooLarge(APIException):
    """The body is longer than any request of ours has to be."""

    status_code = 413
    default_code = "too_large"
    default_detail = gettext_lazy("The body of the request is too long.")


class StrictJSONParser(BaseParser):
    """JSON of at most 1 MB, 20 levels deep, with neither NUL characters nor halves of pairs."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(LONGEST_BODY + 1)
        if len(body) > LONGEST_BODY:
            raise TooLarge()
        try:
            value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(
                _("The body is not JSON: %(reason)s.") % {"reason": str(error)[:200]}
            ) from error
        _check(value, DEEPEST)
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _check(value: Any, levels: int) -> None:
    if levels == 0:
        raise ParseError(_("The body has too many levels."))
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, levels - 1)
            _check(inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, levels - 1)
    elif isinstance(value, str) and not _is_storable(value):
        raise ParseError(_("The body has characters that no text can have."))


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
