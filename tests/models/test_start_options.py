"""Starting with options, and a stop that does not wait, on a simulated and a real server."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import httpx
import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ModelStatus
from models_app.models import OllamaServer
from models_app.ollama.answers import read_loaded
from models_app.ollama.client import OllamaClient
from models_app.ollama.types import LoadedModel
from models_app.runners import memory
from models_app.services.lifecycle import start_model, stop_model
from models_app.services.starting import read_keep_alive, start_options
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tests.components.fixtures import NewOllama
from tests.components.inventory import TINY_MODEL_NAME
from tests.components.loopback import PLAIN
from tests.factories import OllamaModelFactory
from tests.models.backends import Backend
from tests.models.conftest import Panel


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(-1, -1), (-600, -1), ("-1", -1), (60, 60), ("60", 60), ("30m", 1800), ("1h30m", 5400),
     ("1.5h", 5400), (" 10 M ", 600)],
)  # fmt: skip
def test_a_keep_alive_is_read(given: int | str, seconds: int) -> None:
    assert read_keep_alive(given) == seconds


@pytest.mark.parametrize("given", [0, "0", "0s", "soon", "5x", "", "1h;", 10**12, "9" * 32])
def test_what_is_no_keep_alive(given: int | str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_keep_alive(given)
    assert refused.value.attr == "keep_alive"


@pytest.mark.parametrize("num_ctx", [0, 3, 2049])
@pytest.mark.django_db
def test_a_context_that_the_model_does_not_have(num_ctx: int) -> None:
    model = OllamaModelFactory(context_length=2048)
    with pytest.raises(InvalidInput, match="4 to 2048 tokens") as refused:
        start_options(model, num_ctx=num_ctx)
    assert refused.value.attr == "num_ctx"
    assert start_options(model, num_ctx=2048) == {"keep_alive": -1, "num_ctx": 2048}


def test_the_options_are_what_the_server_then_says(backend: Backend) -> None:
    task = start_model(actor=SYSTEM, model=backend.model(), keep_alive="30m", num_ctx=1024)
    backend.panel.wait(task)
    loaded = backend.model().loaded
    assert loaded is not None
    assert loaded["context_length"] == 1024
    left = datetime.fromisoformat(loaded["expires_at"]) - datetime.now(UTC)
    assert 28 * 60 < left.total_seconds() < 31 * 60
    assert AuditRecord.objects.get(verb="model.start").data["num_ctx"] == 1024

    backend.panel.wait(start_model(actor=SYSTEM, model=backend.model(), num_ctx=2048))
    loaded = backend.model().loaded
    assert loaded is not None
    assert (loaded["context_length"], loaded["expires_at"]) == (2048, None)
    assert backend.model().status == ModelStatus.RUNNING


def test_a_new_keep_alive_is_shown_at_once(backend: Backend) -> None:
    """Of a model that is in memory already, on which Ollama writes it down after its answer."""
    for hours in (1, 3, 2):
        task = start_model(actor=SYSTEM, model=backend.model(), keep_alive=f"{hours}h")
        loaded = (backend.panel.wait(task).result or {})["loaded"]
        left = datetime.fromisoformat(loaded["expires_at"]) - datetime.now(UTC)
        assert hours * 60 - 1 < left.total_seconds() / 60 < hours * 60 + 1


@pytest.mark.parametrize("answers", [1, 3])
@pytest.mark.usefixtures("engine")
def test_an_answer_of_before_is_asked_again(
    panel: Panel, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    simulator.control.install(TINY_MODEL_NAME)
    backend = Backend(panel, simulator.url, is_real=False)
    backend.sync()
    panel.wait(start_model(actor=SYSTEM, model=backend.model(), keep_alive="1h"))
    real_ps, seen = OllamaClient.ps, list[list[LoadedModel]]()

    async def late(client: OllamaClient) -> list[LoadedModel]:
        """The new end only after the question before the start and `answers` more."""
        seen.append(await real_ps(client))
        return seen[0] if len(seen) <= 1 + answers else seen[-1]

    monkeypatch.setattr(OllamaClient, "ps", late)
    task = start_model(actor=SYSTEM, model=backend.model())
    assert (panel.wait(task).result or {})["loaded"]["expires_at"] is None


@pytest.mark.usefixtures("engine")
def test_an_end_that_does_not_change_is_shown_as_it_is(
    panel: Panel, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.control.install(TINY_MODEL_NAME)
    backend = Backend(panel, simulator.url, is_real=False)
    backend.sync()
    panel.wait(start_model(actor=SYSTEM, model=backend.model(), keep_alive="1h"))
    there = (backend.model().loaded or {})["expires_at"]
    old = read_loaded(backend.ask("GET", "/api/ps"), now=datetime.now(UTC))

    async def as_before(_client: OllamaClient) -> list[LoadedModel]:
        return old

    monkeypatch.setattr(OllamaClient, "ps", as_before)
    monkeypatch.setattr(memory, "WRITTEN_DOWN_S", 0.1)
    task = start_model(actor=SYSTEM, model=backend.model())
    assert (panel.wait(task).result or {})["loaded"]["expires_at"] == there


@pytest.mark.django_db
@pytest.mark.parametrize(
    "elsewhere", [{"base_url": "http://192.0.2.1:11434"}, {"version": "1-simulated"}]
)
def test_elsewhere_no_stop_can_be_forced(elsewhere: dict[str, str]) -> None:
    model = OllamaModelFactory(status="running", is_loaded=True, loaded={"size": 1})
    for name, value in elsewhere.items():
        setattr(model.server, name, value)
    model.server.save()
    with pytest.raises(Conflict, match="panel's own machine") as refused:
        stop_model(actor=SYSTEM, model=model, force=True)
    assert refused.value.code == "cannot_force"


@pytest.mark.usefixtures("engine")
def test_a_forced_stop_ends_what_is_being_answered(panel: Panel, new_ollama: NewOllama) -> None:
    """With the real Ollama: an endless answer is cut off, and the model can be used again."""
    panel.server.delete()
    ollama = new_ollama(with_model=True)
    panel.server = OllamaServer.objects.create(
        name="real", base_url=ollama.url, status="online", version="0.24.0"
    )
    backend = Backend(panel, ollama.url, is_real=True)
    backend.sync()
    panel.wait(start_model(actor=SYSTEM, model=backend.model(), num_ctx=512))
    answers: list[httpx.Response] = []

    def ask() -> None:
        options = {"num_predict": 100_000, "num_ctx": 512}
        body = {"model": backend.name, "prompt": "Count.", "raw": True, "options": options}
        with httpx.stream(
            "POST",
            f"{ollama.url}/api/generate",
            json=body,
            timeout=120,
            verify=PLAIN,
            trust_env=False,
        ) as answer:
            answers.append(answer)
            for _line in answer.iter_lines():
                begun.set()

    begun = threading.Event()
    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(60)
    task = stop_model(actor=SYSTEM, model=backend.model(), force=True)
    panel.wait(task, timeout=30)
    thread.join(30)
    assert not thread.is_alive()
    assert backend.loaded() == []
    assert backend.model().status == ModelStatus.STOPPED
    assert ollama.running
    panel.wait(start_model(actor=SYSTEM, model=backend.model()))
