"""Every filter of every list with any value, in the API and in the pages: rows or a sentence."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from audit_app.filters import AuditRecordFilter
from models_app.filters import OllamaModelFilter, OllamaServerFilter
from tasks_app.filters import TaskFilter
from tests.factories import OllamaModelFactory, TaskFactory, UserFactory

LISTS: dict[str, Any] = {
    "models": OllamaModelFilter,
    "servers": OllamaServerFilter,
    "tasks": TaskFilter,
    "audit": AuditRecordFilter,
}
PAGES = ("models", "servers", "tasks")
SEEDS = st.sampled_from(
    [
        *("", " ", "0", "-1", "1", "9" * 19, "9" * 40, "1e999", "NaN", "-inf", "0x1F", "٣", "½"),
        *("true", "TRUE", "null", "None", "[]", "{}", "a,b,c", ",,,", "%", "_", "%_%", "\\", "'"),
        *("4GB", "-4GB", "1.5GiB", "1e400GB", "2025-01-31T12:00:00Z", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-14:00", "2025-02-30", "now", "llama3.2", "hf.co/a/b:c", "-name"),
        *(
            "name,-name",
            "\x00",
            "\ud7ff",
            "a" * 5000,
            "1," * 2000,
            "' OR 1=1 --",
            "<b>",
            "\r\nX: y",
        ),
    ]
)
VALUES = SEEDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ANY = settings(max_examples=6, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def rows(db: None) -> None:
    """A row of most things."""
    OllamaModelFactory(last_task=TaskFactory())


def names_of(noun: str) -> list[str]:
    return sorted({*LISTS[noun].base_filters, "page", "page_size"})


CELLS = [(noun, name) for noun in LISTS for name in names_of(noun)]


@pytest.mark.parametrize(("noun", "name"), CELLS)
def test_the_api_gives_rows_or_says_what_is_wrong(rows: None, noun: str, name: str) -> None:
    client = APIClient()
    client.force_authenticate(UserFactory(role="administrator"))

    @ANY
    @given(VALUES)
    def asked(value: str) -> None:
        answer = client.get(f"/api/v1/{noun}/?{name}={quote(value, safe='')}")
        assert answer.status_code in (200, 400, 404), (value, answer.content)
        if answer.status_code == 200:
            assert isinstance(answer.json()["results"], list)
        else:
            for error in answer.json()["errors"]:
                assert error["detail"][-1] in ".!?:", error

    asked()


@pytest.mark.parametrize("noun", PAGES)
def test_a_page_shows_rows_or_says_what_is_wrong(rows: None, noun: str) -> None:
    client = Client()
    client.force_login(
        UserFactory(role="viewer"), backend="django.contrib.auth.backends.ModelBackend"
    )

    @settings(ANY, max_examples=25)
    @given(st.dictionaries(st.sampled_from(names_of(noun)), VALUES, min_size=1, max_size=4))
    def asked(query: dict[str, str]) -> None:
        for headers in ({}, {"HX-Request": "true"}):
            answer = client.get(f"/{noun}/", query, headers=headers)
            assert answer.status_code == 200, query

    asked()
