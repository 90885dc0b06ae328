"""A row made of what a server lists is what an empty row becomes by the same facts."""

from __future__ import annotations

from typing import Any

import pytest

from models_app.models import OllamaModel
from models_app.services.states import fields_of_new, rest_status, take_facts

IN_MEMORY = {"size": 1, "size_vram": 1, "processor": "100% GPU", "expires_at": None}


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"name": "a:latest", "digest": "a" * 64, "size": 7, "loaded": None},
        {"digest": "", "size": None, "modified_at": None},
        {"digest": "a" * 64, "modified_at": "2025-06-01T12:00:00+00:00", "family": "llama"},
        {"digest": "a" * 64, "loaded": IN_MEMORY, "context_length": 4096},
        {"loaded": IN_MEMORY, "outdated": True, "kv_cache": {"bytes": 2}},
    ],
)
def test_new_rows_say_what_facts_make_of_an_empty_one(facts: dict[str, Any]) -> None:
    changed = OllamaModel()
    take_facts(changed, facts)
    changed.status = rest_status(changed)
    made = OllamaModel(**fields_of_new(facts))
    assert (made.last_used_at is None) == (changed.last_used_at is None)
    made.last_used_at = changed.last_used_at
    assert _fields(made) == _fields(changed)


def _fields(row: OllamaModel) -> dict[str, Any]:
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}
