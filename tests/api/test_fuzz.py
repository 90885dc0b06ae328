"""What a program makes up from the schema: answered as the schema says, and never with a 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from models_app.models import OllamaModel, OllamaServer
from tasks_app.models import Task
from tests.api.test_permissions import LOGIN, TABLE
from tests.factories import (
    OllamaModelFactory,
    OllamaServerFactory,
    TaskFactory,
    UserFactory,
    token_of,
)
from tests.helpers.database import go_on_after

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 8}
OPERATIONS = sorted((path, method) for method, path in TABLE if path.startswith("v1/"))
NOTHING_TO_GET_WRONG = {
    ("v1/me/", "get"),
    ("v1/auth/logout/", "post"),
    ("v1/settings/", "get"),
    ("v1/searches/recent/", "get"),
    ("v1/models/updates/", "get"),
    ("v1/models/updates/", "post"),
    ("v1/downloads/state/", "get"),
    ("v1/downloads/pause/", "post"),
    ("v1/downloads/resume/", "post"),
}
CASES = [
    (path, method, mode)
    for path, method in OPERATIONS
    for mode in EXAMPLES
    if mode is GenerationMode.POSITIVE or (path, method) not in NOTHING_TO_GET_WRONG
]


def template_of(path: str) -> str:
    """The path as the schema writes it."""
    return "/api/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path.replace("<int:pk>", "{id}"))


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema, with the application itself behind it."""
    raw = SchemaGenerator().get_schema(request=None, public=True)
    loaded = schemathesis.openapi.from_dict(raw)
    loaded.app = get_wsgi_application()
    return loaded


@pytest.fixture
def _connection_stays() -> Iterator[None]:
    """Requests to the application keep the test's connection, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def few_rows(db: None, _connection_stays: None, settings: Any, unused_tcp_port: int) -> None:
    """A panel with a few rows, from which nothing outside is reached."""
    settings.REGISTRIES = []
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    server = OllamaServerFactory(pk=1, base_url=nowhere)
    OllamaModelFactory(pk=1, server=server, last_task=TaskFactory(pk=1))
    go_on_after(OllamaServer, OllamaModel, Task)


@pytest.fixture
def fuzzer(few_rows: None) -> User:
    """An administrator in that panel."""
    return UserFactory(role="administrator")


@pytest.mark.parametrize(
    ("path", "method", "mode"), CASES, ids=lambda value: getattr(value, "value", value)
)
def test_whatever_is_sent_is_answered_as_the_schema_says(
    schema: Any, fuzzer: User, path: str, method: str, mode: GenerationMode
) -> None:
    operation = schema[template_of(path)][method.upper()]
    checks = [*CHECKS]
    if mode is GenerationMode.NEGATIVE and method != "get":  # `?x=1` is a list of one as well
        checks.append(negative_data_rejection)

    @settings(
        max_examples=EXAMPLES[mode],
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        cache.clear()
        headers = {
            "Authorization": f"Token {token_of(fuzzer)}",
            "Accept-Encoding": "identity",
        }
        case.call_and_validate(headers=headers, checks=checks)

    answers()


@pytest.mark.parametrize("role", ["operator", "viewer", "nobody", "stranger"])
@pytest.mark.parametrize(("path", "method"), [*OPERATIONS, (LOGIN[1], LOGIN[0])])
def test_whoever_asks_is_answered_as_the_schema_says(
    schema: Any, few_rows: None, path: str, method: str, role: str
) -> None:
    """Others than administrators: what they may not do is answered in a documented way too."""
    operation = schema[template_of(path)][method.upper()]
    headers = {"Accept-Encoding": "identity"}
    if role != "stranger":
        user = UserFactory(role=None if role == "nobody" else role)
        headers["Authorization"] = f"Token {token_of(user)}"

    @settings(
        max_examples=1,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def answers(case: Any) -> None:
        cache.clear()
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers()
