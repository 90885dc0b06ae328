"""Whom a batch of downloads asks before it begins, and who does not answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches.selection import Selection
from models_app.choices import ServerStatus
from models_app.models import OllamaServer, PanelSettings
from models_app.ollama.client import OllamaClient
from models_app.services import batches
from ollamactl.lib.errors import Conflict
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.models.conftest import row_of
from tests.models.plans import codes, plan_of

Simulator = RunningSimulator


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_held_downloads_are_said_once(
    server: OllamaServer, published: list[str], simulator: Simulator
) -> None:
    PanelSettings.objects.create(pk=1, downloads_held=True)
    plan = plan_of(published, server)
    assert codes(plan) == ["downloads_held"]
    assert plan.servers[0].downloads["held"] is True


def test_who_is_silent_keeps_nobody_waiting(
    server: OllamaServer, published: list[str], silent_url: str, simulator: Simulator
) -> None:
    mute = OllamaServer.objects.create(
        name="mute", base_url=silent_url, status=ServerStatus.ONLINE, version="0.24.0-simulated"
    )
    begun = time.monotonic()
    plan = plan_of(published, server, mute)
    assert time.monotonic() - begun < 2.5
    heard, unheard = plan.servers
    assert (heard.answers, heard.needed.exact) == (True, True)
    assert (unheard.answers, unheard.needed.bytes, unheard.needed.unknown) == (None, None, 3)
    assert (plan.total_bytes, plan.exact, plan.unknown) == (heard.needed.bytes, False, 3)
    assert codes(plan) == ["server_silent"]


def test_a_server_that_is_off_is_said_once(published: list[str], server: OllamaServer) -> None:
    with running_simulator() as gone:
        off = row_of(gone, "off")
    plan = plan_of(published, off)
    assert plan.servers[0].answers is False
    assert codes(plan) == ["server_unreachable"]


def test_where_a_batch_begins_only_registries_are_asked(
    server: OllamaServer, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plan has called impossible is left out, and does not fail later."""
    monkeypatch.setattr(OllamaClient, "version", None)
    monkeypatch.setattr(OllamaClient, "head_blob", None)
    selection = Selection(names=[*published, "no-such-model:7b"], servers=[server.pk])
    begun = batches.start_batch(
        actor=SYSTEM, operation="pull", selection=selection, on_error="rollback"
    )
    assert (begun.plan.servers, begun.plan.total_bytes) == ([], None)
    batch = Batch.objects.get(task=begun.task)
    assert [item["name"] for item in batch.items] == [f"{name}:latest" for name in published]
    assert [(item["name"], item["code"]) for item in batch.skipped] == [
        ("no-such-model:7b", "missing")
    ]


def test_a_batch_of_nothing_that_any_registry_has_does_not_begin(server: OllamaServer) -> None:
    with pytest.raises(Conflict) as refused:
        batches.start_batch(
            actor=SYSTEM,
            operation="pull",
            selection=Selection(names=["no-such-model:7b"], servers=[server.pk]),
        )
    assert refused.value.code == "nothing_to_do"
