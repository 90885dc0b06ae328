"""JSON schemas, one of which a chat's answers may have to fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence

LONGEST_SCHEMA = 20_000
"""Characters of its JSON."""


def checked_schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that can be kept; the API's parser has seen to its depth and its characters. What it
    means is Ollama's to judge, when it is asked to follow it.

    Raises `InvalidInput` (attr `format`) for one that is empty or too long.
    """
    if not given:
        raise _refused(gettext_noop("A JSON schema for answers is an object that says something."))
    if len(json.dumps(given, ensure_ascii=False)) > LONGEST_SCHEMA:
        text = gettext_noop("A JSON schema may have {most} characters at most.")
        raise _refused(text, most=LONGEST_SCHEMA)
    return dict(given)


def _refused(text: str, **values: Any) -> InvalidInput:
    return InvalidInput(Sentence(text, **values), code="invalid", attr="format")
