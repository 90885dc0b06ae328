"""What the server says of a model, on its page, and what a deletion frees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import OllamaModel
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.loopback import PLAIN
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def model(simulator: RunningSimulator) -> OllamaModel:
    simulator.control.install("llama3.2")
    server = OllamaServerFactory(base_url=simulator.url)
    row: OllamaModel = OllamaModelFactory(name="llama3.2:latest", server=server)
    return row


def _details(client: Client, model: OllamaModel) -> str:
    answer = client.get(reverse("admin:model-details", args=[model.pk]), headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_page_itself_does_not_ask_the_server(
    viewer: Client, model: OllamaModel, simulator: RunningSimulator
) -> None:
    simulator.control.fault("hang", endpoint="/api/show")
    page = viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    assert f'hx-get="{reverse("admin:model-details", args=[model.pk])}"' in page
    assert "POST /api/show" not in simulator.control.counters()["requests"]


def test_everything_that_show_says_is_there(viewer: Client, model: OllamaModel) -> None:
    shown = _details(viewer, model)
    for said in (
        'title="completion">text<',
        "tools",
        "llama.context_length",
        "Q4_K × 29",
        "F32 × 1",
        "Licence",
    ):
        assert said in shown, said


def test_a_context_that_was_not_known_is_known_everywhere(
    viewer: Client, model: OllamaModel
) -> None:
    OllamaModel.objects.update(context_length=None)
    shown = _details(viewer, model)
    assert '<dd class="oc-nums" id="model-context" hx-swap-oob="true">131,072</dd>' in shown
    page = viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    assert '<dd class="oc-nums" id="model-context">131,072</dd>' in page

    OllamaModel.objects.update(context_length=None)
    said = viewer.get(f"/api/v1/models/{model.pk}/").json()
    assert said["context_length"] == said["details"]["context_length"] == 131_072


def test_foreign_texts_are_only_text(
    viewer: Client, model: OllamaModel, simulator: RunningSimulator
) -> None:
    import httpx

    order = {"model": "evil", "from": "llama3.2", "system": "</pre><script>alert(1)</script>"}
    httpx.post(
        f"{simulator.url}/api/create", json=order, verify=PLAIN, trust_env=False
    ).raise_for_status()
    evil = OllamaModelFactory(name="evil:latest", server=model.server)
    shown = _details(viewer, evil)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_server_that_is_silent_is_said_to_be(
    viewer: Client, model: OllamaModel, simulator: RunningSimulator
) -> None:
    simulator.stop()
    assert "does not say more just now" in _details(viewer, model)


def test_the_question_says_what_a_deletion_frees(operator: Client) -> None:
    model = OllamaModelFactory(size=2_500_000_000, pinned=True)
    url = reverse("admin:model-confirm", args=[model.pk, "delete"])
    question = operator.get(url, headers=HTMX).content.decode()
    assert "at most 2.5 GB" in question
    assert "This model is pinned." in question
    OllamaModelFactory(server=model.server, digest=model.digest)
    assert "frees nothing: another name" in operator.get(url, headers=HTMX).content.decode()


def test_with_how_much_context_it_is_loaded(viewer: Client) -> None:
    loaded = {"size": 7, "size_vram": 0, "processor": "100% CPU", "expires_at": None}
    model = OllamaModelFactory(is_loaded=True, loaded={**loaded, "context_length": 8192})
    page = viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    assert "<span>context of 8,192 tokens</span>" in page
    OllamaModel.objects.update(loaded={**loaded, "context_length": None})
    page = viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    assert "context of" not in page
