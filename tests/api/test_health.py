"""`/healthz` and `/readyz`: true answers about the parts of the panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from ollamactl import health
from tasks_app import sign_of_life
from tests.components.waiting import wait_until
from tests.factories import OllamaServerFactory
from tests.helpers.valkey import ValkeyProcess


@pytest.fixture
def worker(valkey: ValkeyProcess) -> Iterator[None]:
    """What a worker does to be seen alive."""
    sign_of_life.start()
    wait_until(sign_of_life.worker_answers, "the worker gave a sign of life")
    yield
    sign_of_life.stop()


def answer(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_the_process_answers_whatever_else_is_down(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("db", "worker")
def test_the_panel_is_ready_when_all_parts_answer(client: Client) -> None:
    OllamaServerFactory(status="offline")  # no matter of it
    status, body = answer(client)
    assert (status, body) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "valkey": "ok", "worker": "ok"}},
    )


@pytest.mark.usefixtures("db")
def test_a_worker_that_is_not_there_is_named(client: Client, valkey: ValkeyProcess) -> None:
    status, body = answer(client)
    assert status == 503
    assert body["checks"] == {"database": "ok", "valkey": "ok", "worker": "No worker answers."}


@pytest.mark.usefixtures("db", "worker")
def test_valkey_that_is_down_is_named_and_comes_back(client: Client, valkey: ValkeyProcess) -> None:
    valkey.stop()
    status, body = answer(client)
    assert status == 503
    assert body["checks"]["valkey"] == "Valkey does not answer."
    valkey.start()
    wait_until(lambda: answer(client)[0] == 200, "the panel is ready again")


@pytest.mark.usefixtures("worker")
def test_a_sign_of_life_ends_by_itself(valkey: ValkeyProcess) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert 0 < client.ttl(sign_of_life.KEY) <= sign_of_life.KEPT


@pytest.mark.usefixtures("db", "worker")
def test_a_database_that_is_not_migrated_is_named(client: Client) -> None:
    health.forget_migrations()
    MigrationRecorder.Migration.objects.filter(app="models_app").delete()
    status, body = answer(client)
    assert status == 503
    assert body["checks"]["database"] == "The database has to be migrated."


@pytest.mark.usefixtures("db", "worker")
def test_a_database_that_is_down_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("unable to open database file")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", gone)
        status, body = answer(client)
    assert status == 503
    assert body["checks"]["database"] == "The database does not answer."


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405
