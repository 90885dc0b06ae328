"""What is asked before work on a model begins."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audit_app.models import AuditRecord
from models_app.models import OllamaModel
from tasks_app.models import Task
from tests.factories import OllamaModelFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> OllamaModel:
    row: OllamaModel = OllamaModelFactory(name="llama3.2:latest")
    return row


@pytest.mark.parametrize("verb", ["copy", "rename"])
def test_a_new_name_is_asked_for_and_taken(operator: Client, model: OllamaModel, verb: str) -> None:
    url = reverse(f"admin:model-{verb}", args=[model.pk])
    form = operator.get(url, headers=HTMX).content.decode()
    assert "llama3.2:latest" in form
    assert "</html>" not in form
    assert "</html>" in operator.get(url).content.decode()
    answer = operator.post(url, {"name": "mine"}, headers=HTMX)
    shown = OllamaModel.objects.get(name="mine:latest") if verb == "copy" else model
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        reverse("admin:model", args=[shown.pk]),
    )
    assert Task.objects.get().type == f"model.{verb}"
    record = AuditRecord.objects.get(verb=f"model.{verb}")
    assert record.origin == "page"


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("a b", 422, "may have letters"),
        ("llama3.2", 422, "name already"),
        ("other", 409, "on this server already"),
        ("", 422, "required"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    operator: Client, model: OllamaModel, name: str, status: int, said: str
) -> None:
    OllamaModelFactory(name="other:latest", server=model.server)
    url = reverse("admin:model-rename", args=[model.pk])
    answer = operator.post(url, {"name": name}, headers=HTMX)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert 'id="id_name_error"' in answer.content.decode()
    assert not Task.objects.exists()


def test_a_pin_is_set_and_shown(operator: Client, model: OllamaModel) -> None:
    url = reverse("admin:model-act", args=[model.pk, "pin"])
    panel = operator.post(url, {"view": "panel"}, headers=HTMX).content.decode()
    assert "pinned</span>" in panel
    assert f'id="model-{model.pk}-unpin"' in panel
    row = operator.get(reverse("admin:model-row", args=[model.pk])).content.decode()
    assert "pinned</span>" in row


def test_what_shall_be_different_is_asked_for(operator: Client, model: OllamaModel) -> None:
    url = reverse("admin:model-recreate", args=[model.pk])
    assert "pulled again" in operator.get(url, headers=HTMX).content.decode()
    wrong = operator.post(url, {"parameters": "heat 3"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "no parameter “heat”" in wrong.content.decode()
    data = {"parameters": "temperature 0.7\nnum_ctx 4096", "system": "Be brief."}
    assert operator.post(url, data, headers=HTMX).status_code == 204
    task = Task.objects.get()
    assert (task.type, task.payload["changes"]) == (
        "model.recreate",
        {"parameters": {"temperature": 0.7, "num_ctx": 4096}, "system": "Be brief."},
    )


SAID = """num_ctx                        4096
stop                           "<|im_end|>"
temperature                    0.7
own                            3"""


def test_what_the_server_said_of_its_parameters_is_there_to_be_changed(
    operator: Client, model: OllamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is stored: nobody is asked for the form."""
    monkeypatch.setattr("models_app.endpoints.client_of", None)
    OllamaModel.objects.update(parameter_lines=SAID.splitlines())
    url = reverse("admin:model-recreate", args=[model.pk])
    form = operator.get(url, headers=HTMX).content.decode()
    lines = "num_ctx 4096\nstop &quot;&lt;|im_end|&gt;&quot;\ntemperature 0.7"
    assert f">\n{lines}</textarea>" in form
    assert "A line that you take away stays" in form
    changed = {"parameters": 'num_ctx 8192\nstop "<|im_end|>"\ntop_k 20'}
    assert operator.post(url, changed, headers=HTMX).status_code == 204
    assert Task.objects.get().payload["changes"] == {"parameters": {"num_ctx": 8192, "top_k": 20}}


def test_parameters_that_are_as_they_were_are_no_change(
    operator: Client, model: OllamaModel
) -> None:
    OllamaModel.objects.update(parameter_lines=SAID.splitlines(), source="local")
    url = reverse("admin:model-recreate", args=[model.pk])
    same = {"parameters": 'num_ctx 4096\r\nstop "<|im_end|>"\r\ntemperature 0.70'}
    answer = operator.post(url, same, headers=HTMX)
    assert answer.status_code == 422
    assert "Say what shall change." in answer.content.decode()
    again = {"parameters": same["parameters"], "system": "Be brief."}
    assert operator.post(url, again, headers=HTMX).status_code == 204
    assert Task.objects.get().payload["changes"] == {"system": "Be brief."}


def test_how_it_is_loaded_is_asked_for(operator: Client, model: OllamaModel) -> None:
    OllamaModel.objects.update(context_length=4096)
    url = reverse("admin:model-start-options", args=[model.pk])
    assert "4096" in operator.get(url, headers=HTMX).content.decode()
    for data, said in (
        ({"keep_alive": "soon"}, "no length of time"),
        ({"keep_alive": "-1", "num_ctx": "5000"}, "4 to 4096 tokens"),
    ):
        wrong = operator.post(url, data, headers=HTMX)
        assert wrong.status_code == 422
        assert said in wrong.content.decode()
    answer = operator.post(url, {"keep_alive": "30m", "num_ctx": "2048"}, headers=HTMX)
    assert answer.status_code == 204
    payload = Task.objects.get().payload
    assert (payload["keep_alive"], payload["num_ctx"]) == (1800, 2048)
