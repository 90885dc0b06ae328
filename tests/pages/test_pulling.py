"""Adding a model: what the dialog says while one types, and what the button does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import OllamaModel, OllamaServer
from models_app.resources.verdict import BLOCK, WARN
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db
ADD, CHECK = reverse("admin:model-add"), reverse("admin:model-add-check")
FULL = {"code": "disk_too_small", "level": BLOCK, "detail": "The disk is too small."}


@pytest.fixture
def server() -> OllamaServer:
    """The one server."""
    server: OllamaServer = OllamaServerFactory(name="workshop")
    return server


def _check(client: Client, name: str, server: OllamaServer) -> str:
    answer = client.post(CHECK, {"name": name, "server": server.pk}, headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def _add(client: Client, name: str, server: OllamaServer, **data: str) -> Any:
    return client.post(ADD, {"name": name, "server": server.pk, **data}, headers=HTMX)


def test_one_server_needs_no_choice(operator: Client, server: OllamaServer) -> None:
    dialog = operator.get(ADD, headers=HTMX).content.decode()
    assert "<select" not in dialog
    assert f'name="server" value="{server.pk}"' in dialog
    assert "<html" not in dialog
    OllamaServerFactory(name="attic")
    assert "<select" in operator.get(ADD, headers=HTMX).content.decode()


def test_of_several_servers_one_that_answers_is_chosen(operator: Client) -> None:
    OllamaServerFactory(name="a", status="offline")
    online = OllamaServerFactory(name="b")
    dialog = operator.get(ADD, headers=HTMX).content.decode()
    assert f'<option value="{online.pk}" selected>' in dialog


def test_without_a_server_the_dialog_says_what_to_do(administrator: Client) -> None:
    dialog = administrator.get(ADD, headers=HTMX).content.decode()
    assert "There is no server yet" in dialog
    assert 'type="submit"' not in dialog


@pytest.mark.usefixtures("verdict")
@pytest.mark.parametrize("name", ["two words", "a/b/c/d", "x:y:z", "../etc/passwd", "n" * 700])
def test_a_wrong_name_is_said_while_typing_and_when_sent(
    operator: Client, server: OllamaServer, name: str
) -> None:
    assert "oc-errors" in _check(operator, name, server)
    answer = _add(operator, name, server)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not OllamaModel.objects.exists()


def test_nothing_is_said_of_nothing(operator: Client, server: OllamaServer) -> None:
    assert _check(operator, "  ", server).strip() == ""


def test_the_verdict_comes_before_the_button(
    operator: Client, server: OllamaServer, verdict: dict[str, Any]
) -> None:
    assert "2 GB" in _check(operator, "llama3.2", server)
    verdict["verdict"] = WARN
    verdict["reasons"] = ({"code": "queued_behind", "level": WARN, "detail": "Two are before."},)
    assert "Two are before." in _check(operator, "llama3.2", server)
    OllamaModelFactory(server=server, name="llama3.2:latest")
    assert "is there already" in _check(operator, "llama3.2", server)


@pytest.mark.usefixtures("verdict")
def test_a_pull_leads_to_the_models_page(operator: Client, server: OllamaServer) -> None:
    answer = _add(operator, "llama3.2", server)
    model = OllamaModel.objects.get()
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        reverse("admin:model", args=[model.pk]),
    )
    assert (model.name, Task.objects.get().type) == ("llama3.2:latest", "model.pull")
    assert "is on its way" in operator.get(answer.headers["HX-Redirect"]).content.decode()


@pytest.mark.usefixtures("verdict")
def test_a_model_on_its_way_is_followed(operator: Client, server: OllamaServer) -> None:
    model = OllamaModelFactory(server=server, name="llama3.2:latest", last_task=TaskFactory())
    answer = _add(operator, "Llama3.2:latest", server)
    assert answer.headers["HX-Redirect"] == reverse("admin:model", args=[model.pk])
    assert Task.objects.count() == 1


def test_a_block_holds_and_only_who_may_can_override(
    client_of: ClientOf, server: OllamaServer, verdict: dict[str, Any]
) -> None:
    verdict.update(verdict=BLOCK, reasons=(FULL,))
    operator, administrator = client_of("operator"), client_of("administrator")
    assert 'name="override"' not in _check(operator, "llama3.2", server)
    assert 'name="override"' in _check(administrator, "llama3.2", server)
    refused = _add(operator, "llama3.2", server)
    assert refused.status_code == 422
    assert "The disk is too small." in refused.content.decode()
    assert 'name="override"' not in refused.content.decode()
    assert _add(operator, "llama3.2", server, override="on").status_code == 403
    assert 'name="override"' in _add(administrator, "llama3.2", server).content.decode()
    assert not Task.objects.exists()
    assert _add(administrator, "llama3.2", server, override="on").status_code == 204
    assert Task.objects.get().payload["override"] is True


@pytest.mark.usefixtures("verdict")
def test_a_server_that_is_gone_meanwhile_is_said_to_be(operator: Client) -> None:
    OllamaServerFactory()
    answer = operator.post(ADD, {"name": "llama3.2", "server": 999_999}, headers=HTMX)
    assert answer.status_code == 422
    assert "gone from the panel" in answer.content.decode()


def test_the_dialog_is_a_page_too(operator: Client, server: OllamaServer) -> None:
    page = operator.get(ADD).content.decode()
    assert "<html" in page
    assert 'id="id_name"' in page
