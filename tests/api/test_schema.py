"""The published schema: complete, and true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from tests.api.test_permissions import LOGIN, TABLE

JSON = "application/vnd.oai.openapi+json"


@pytest.fixture
def schema(administrator: APIClient) -> dict[str, Any]:
    """The schema as a program gets it."""
    answer = administrator.get("/api/schema/", HTTP_ACCEPT=JSON)
    assert answer.status_code == 200
    return dict(json.loads(answer.content))


def test_it_is_valid_and_without_warnings(db: None, tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema"))


def test_every_route_is_in_it(schema: dict[str, Any]) -> None:
    there = {
        (
            method,
            path.removeprefix("/api/")
            .replace("{id}", "<int:pk>")
            .replace("{message}", "<int:message>"),
        )
        for path, operations in schema["paths"].items()
        for method in operations
    }
    routes = {route for route in (*TABLE, LOGIN) if route[1].startswith("v1/")}
    assert there == routes


def test_every_operation_says_what_it_does_and_how_it_fails(schema: dict[str, Any]) -> None:
    error = {"$ref": "#/components/schemas/Error"}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            unauthorized = operation["responses"]["401"]
            assert unauthorized["content"]["application/json"]["schema"] == error


def test_the_permission_is_in_the_description(schema: dict[str, Any]) -> None:
    pull = schema["paths"]["/api/v1/models/"]["post"]
    assert "`models_app.pull_ollamamodel`" in pull["description"]
    assert set(pull["responses"]) >= {"202", "400", "401", "403", "409"}


def test_every_filter_is_in_it(schema: dict[str, Any]) -> None:
    listed = schema["paths"]["/api/v1/models/"]["get"]["parameters"]
    assert {parameter["name"] for parameter in listed} == {
        "search",
        "name",
        "status",
        "from",
        "server",
        "min_size",
        "max_size",
        "created_after",
        "created_before",
        "loaded",
        "outdated",
        "pinned",
        "ordering",
        "page",
        "page_size",
    }


def test_the_two_ways_in_are_in_it(schema: dict[str, Any]) -> None:
    schemes = schema["components"]["securitySchemes"]
    assert schemes["basic"] == {"type": "http", "scheme": "basic"}
    assert schemes["token"]["name"] == "Authorization"
    assert schema["paths"]["/api/v1/auth/login/"]["post"]["security"] == [{"basic": []}]
