"""Choosing models in the list, the plan as a dialog, and the page of the batch."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit_app.actors import SYSTEM
from models_app.batches import planning
from models_app.batches.asking import Heard, Said, ServerSaid, key_of
from models_app.batches.children import begin_slice
from models_app.batches.reserving import Reservations
from models_app.batches.selection import Selection
from models_app.host_reports import Seen, write_report
from models_app.models import Batch, OllamaModel, OllamaServer
from models_app.ollama.errors import Unreachable
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest
from models_app.services import batches, lifecycle
from tasks_app.claim import claim_next
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ask_around", lambda wanted, **_: Heard())


def test_who_may_nothing_finds_no_bar(viewer: Client, operator: Client) -> None:
    OllamaModelFactory()
    address = reverse("admin:models")
    assert 'id="batch"' not in viewer.get(address).content.decode()
    page = operator.get(address).content.decode()
    for operation in ("start", "stop", "pull", "update", "recreate", "delete"):
        assert f'id="batch-{operation}"' in page


def test_the_dialog_shows_the_plan_and_begins_it(operator: Client) -> None:
    models = OllamaModelFactory.create_batch(3, server=OllamaServerFactory(name="shop"))
    ids = ",".join(str(model.pk) for model in models)
    asked = {"operation": "start", "ids": ids}
    dialog = operator.post(reverse("admin:batch"), asked, headers=HTMX).content.decode()
    assert "3 models will be worked on." in dialog
    assert models[1].name in dialog
    begun = {**asked, "on_error": "rollback"}
    answer = operator.post(reverse("admin:batch-begin"), begun, headers=HTMX)
    task = Task.objects.get(type="model.batch")
    assert answer.headers["HX-Redirect"] == reverse("admin:task", args=[task.pk])
    assert Batch.objects.get(task=task).on_error == "rollback"
    page = operator.get(answer.headers["HX-Redirect"]).content.decode()
    assert "Start: 3 models" in page
    assert "No part has been begun yet." in page


def test_the_plan_of_downloads_shows_each_server_once(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    off, shop = OllamaServerFactory(name="off"), OllamaServerFactory(name="shop")
    models = [*OllamaModelFactory.create_batch(3, server=shop), OllamaModelFactory(server=off)]
    for server in (off, shop):
        write_report(server.pk, Seen(host="host", disk_free=1_500_000_000))
    manifest = Manifest("ab", {"sha256:x": 400_000_000, "sha256:y": 300_000_000}, 700_000_000)
    heard = Heard(
        {key_of(shop, ModelName.parse(model.name)): Said(manifest) for model in models[:3]},
        {
            shop.pk: ServerSaid(answered=True, layers={"sha256:x": False, "sha256:y": False}),
            off.pk: ServerSaid(error=Unreachable("“off” is not there.")),
        },
    )
    monkeypatch.setattr(planning, "ask_around", lambda wanted, **_: heard)
    asked = {"operation": "recreate", "ids": ",".join(str(model.pk) for model in models)}
    dialog = operator.post(reverse("admin:batch"), asked, headers=HTMX).content.decode()
    assert "About 701 MB are to be downloaded." in dialog
    assert "The size of 1 model is an estimate: its registry did not say it." in dialog
    assert dialog.count("has 1.5 GB free, 0 B of it for other downloads") == 1
    assert "these need 700 MB. Not all of them fit." in dialog
    assert dialog.count("too little room") == 1
    assert dialog.count("“off” is not there.") == 1
    assert dialog.count("does not answer") == 1


def test_a_new_name_is_pulled_on_several_servers(operator: Client) -> None:
    shop, attic = OllamaServerFactory(name="shop"), OllamaServerFactory(name="attic")
    off = OllamaServerFactory(name="off", status="offline")
    form = operator.get(reverse("admin:model-add"), headers=HTMX).content.decode()
    assert form.count('name="others"') == 3
    asked = {"name": "own/new:8b", "server": shop.pk, "others": [shop.pk, attic.pk, off.pk]}
    plan = operator.post(reverse("admin:model-add"), asked, headers=HTMX).content.decode()
    assert "2 models will be worked on. With 1 it cannot be done." in plan
    chinese = operator.post(
        reverse("admin:model-add"), asked, headers={**HTMX, "Accept-Language": "zh-hans"}
    ).content.decode()
    assert "将处理 2 个模型。其中 1 个" in chinese
    assert "The sizes of 2 models are estimates" in plan
    assert not Task.objects.exists()  # first the plan
    named = f"{attic.pk},{shop.pk}"
    assert f'name="servers" value="{named}"' in plan or f'value="{shop.pk},{attic.pk}"' in plan
    begun = {"operation": "pull", "name": "own/new:8b", "servers": named, "on_error": "continue"}
    answer = operator.post(reverse("admin:batch-begin"), begun, headers=HTMX)
    task = Task.objects.get(type="model.batch")
    assert answer.headers["HX-Redirect"] == reverse("admin:task", args=[task.pk])
    items = Batch.objects.get(task=task).items
    assert [(item["name"], item["server"]) for item in items] == [
        ("own/new:8b", attic.pk),
        ("own/new:8b", shop.pk),
    ]


def test_a_server_that_is_gone_is_no_choice(operator: Client) -> None:
    servers = OllamaServerFactory.create_batch(2)
    asked = {"name": "new", "server": servers[0].pk, "others": [servers[1].pk, 999_999]}
    answer = operator.post(reverse("admin:model-add"), asked, headers=HTMX)
    assert answer.status_code == 422
    assert "This server is gone from the panel." in answer.content.decode()


def test_all_that_match_are_those_of_the_filter(operator: Client) -> None:
    OllamaModelFactory.create_batch(60, server=OllamaServerFactory())
    OllamaModelFactory(name="other:latest")
    asked = {"operation": "start", "filter": "search=model&ordering=-size"}
    dialog = operator.post(reverse("admin:batch"), asked, headers=HTMX).content.decode()
    assert "60 models will be worked on." in dialog
    assert "other:latest" not in dialog


def test_what_is_dangerous_asks_for_the_number(operator: Client) -> None:
    models = OllamaModelFactory.create_batch(2, server=OllamaServerFactory())
    ids = [str(model.pk) for model in models]
    asked = {"operation": "delete", "ids": ids}  # as a browser without scripts sends them
    dialog = operator.post(reverse("admin:batch"), asked).content.decode()
    assert "Type 2, the number of models" in dialog
    begun = {"operation": "delete", "ids": ",".join(ids), "on_error": "continue"}
    for typed in ("", "3", "yes"):
        answer = operator.post(reverse("admin:batch-begin"), {**begun, "confirm": typed})
        assert answer.status_code == 422
    assert not Task.objects.exists()
    operator.post(reverse("admin:batch-begin"), {**begun, "confirm": " 2 "})
    assert Task.objects.get().payload["operation"] == "delete"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"operation": "start"},
        {"operation": "start", "ids": "x"},
        {"operation": "fly", "ids": "1"},
        {"operation": "start", "filter": "size=what"},
    ],
)
def test_a_bad_choice_is_a_toast(operator: Client, sent: dict[str, str]) -> None:
    for name in ("batch", "batch-begin"):
        answer = operator.post(reverse(f"admin:{name}"), sent, headers=HTMX)
        assert answer.status_code == 400
        assert answer.headers["HX-Retarget"] == "#oc-toasts"


def test_a_viewer_begins_nothing(viewer: Client) -> None:
    ids = str(OllamaModelFactory().pk)
    for name in ("batch", "batch-begin"):
        sent = {"operation": "start", "ids": ids, "on_error": "continue"}
        assert viewer.post(reverse(f"admin:{name}"), sent).status_code == 403
    assert not Task.objects.exists()


def _family(count: int) -> Task:
    parent: Task = TaskFactory(
        type="model.batch",
        state="running",
        resource_type="",
        resource_id=None,
        resource_name="",
        payload={"operation": "stop", "count": count, "on_error": "continue"},
    )
    for number in range(count):
        state = ("succeeded", "failed", "queued", "running")[number % 4]
        TaskFactory(parent=parent, type="model.stop", state=state, resource_name=f"m{number}:1b")
    return parent


def test_parts_come_in_pages_by_state(operator: Client) -> None:
    parent = _family(120)
    address = reverse("admin:task-parts", args=[parent.pk])
    first = operator.get(address, headers=HTMX).content.decode()
    assert first.count("<tr id=") == 50
    assert "1–50 of 120" in first
    assert first.index('data-tone="bad"') < first.index('data-tone="busy"')
    last = operator.get(f"{address}?parts=3", headers=HTMX).content.decode()
    assert last.count("<tr id=") == 20
    failed = operator.get(f"{address}?state=failed", headers=HTMX).content.decode()
    assert failed.count("<tr id=") == 30
    odd = operator.get(f"{address}?state=x&parts=y", headers=HTMX).content.decode()
    assert odd.count("<tr id=") == 50


def test_many_parts_cost_no_more_queries(operator: Client) -> None:
    def queries(parent: Task) -> int:
        url = reverse("admin:task", args=[parent.pk])
        operator.get(url)
        with CaptureQueriesContext(connection) as found:
            assert operator.get(url).status_code == 200
        return len(found)

    assert queries(_family(8)) == queries(_family(100))


def test_what_was_done_offers_a_roll_back(operator: Client, viewer: Client) -> None:
    task = TaskFactory(
        type="model.batch",
        state="failed",
        resource_type="",
        resource_id=None,
        payload={"operation": "start", "count": 2, "on_error": "continue"},
        result={"total": 2, "succeeded": 1, "failed": 1, "cancelled": 0},
    )
    page = operator.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert f'id="task-{task.pk}-rollback"' in page
    assert "rollback" not in viewer.get(reverse("admin:task", args=[task.pk])).content.decode()


def test_parts_say_on_which_server_also_of_what_is_gone(operator: Client) -> None:
    parent = _family(0)
    near, far = OllamaServerFactory(name="near"), OllamaServerFactory(name="far")
    for server, row in ((near, OllamaModelFactory(server=near).pk), (far, None)):
        TaskFactory(
            parent=parent,
            type="model.delete",
            state="succeeded",
            resource_id=row,
            resource_name="same:1b",
            payload={"before": {"server": server.pk}},
        )
    TaskFactory(parent=parent, type="model.pull", resource_id=None, payload={"before": "odd"})
    address = reverse("admin:task-parts", args=[parent.pk])
    parts = operator.get(address, headers=HTMX).content.decode()
    assert [parts.count(f">{name}<") for name in ("near", "far")] == [1, 1]
    assert ">far<" in operator.get(reverse("admin:tasks")).content.decode()
    child = parent.children.get(payload={"before": {"server": far.pk}})
    assert ">far<" in operator.get(reverse("admin:task", args=[child.pk])).content.decode()


@pytest.mark.parametrize("gone", ["model", "server"])
def test_the_list_names_the_server_of_what_is_gone(operator: Client, gone: str) -> None:
    """Of parts of a batch that never began, and of work on a single model."""
    server = OllamaServerFactory(name="attic")
    busy, refused, alone = OllamaModelFactory.create_batch(3, server=server)
    batches.start_batch(
        actor=SYSTEM,
        operation="start",
        selection=Selection(ids=[busy.pk, refused.pk]),
    )
    refused_name = refused.name
    refused.delete()  # before the batch comes to it
    parent, _more = claim_next("default", owner="another-host:1:abc")
    assert parent is not None
    batch = Batch.objects.get(task=parent)
    begin_slice(parent, batch, Reservations(batch), size=5)
    lifecycle.delete_model(actor=SYSTEM, model=alone)
    assert Task.objects.get(parent=parent, resource_name=refused_name).state == "failed"
    OllamaModel.objects.all().delete()
    if gone == "server":
        OllamaServer.objects.all().delete()
    page = operator.get(reverse("admin:tasks")).content.decode()
    assert page.count(">attic<") == 3


def test_a_batch_and_its_roll_back_lead_to_each_other(operator: Client) -> None:
    batch = _family(0)
    payload = {"operation": "start", "count": 3, "on_error": "continue", "undoes": batch.pk}
    undoing = TaskFactory(type="model.rollback", payload=payload, result={"rolled_back_by": "odd"})
    Task.objects.filter(pk=batch.pk).update(result={"rolled_back_by": undoing.pk})
    for one, other, word in ((batch, undoing, "Rolled back by"), (undoing, batch, "Undoes")):
        page = operator.get(reverse("admin:task", args=[one.pk])).content.decode()
        assert word in page
        assert f'href="{reverse("admin:task", args=[other.pk])}"' in page
    undoing.delete()
    assert (
        "Rolled back by"
        not in operator.get(reverse("admin:task", args=[batch.pk])).content.decode()
    )
