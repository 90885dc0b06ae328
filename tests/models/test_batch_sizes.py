"""What the plan of many downloads says of their bytes: each layer once, and what is not known."""

from __future__ import annotations

import os
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches.selection import Selection
from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import RegistryUnreachable, ServerError
from models_app.resources.estimates import assumed_size
from models_app.services import batches
from models_app.services.preflight import check_pull
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess
from tests.factories import TaskFactory
from tests.models.conftest import MB, row_of
from tests.models.plans import codes, plan_of

Simulator = RunningSimulator


def test_each_server_is_looked_at_once(
    server: OllamaServer, simulator: Simulator, published: list[str], disk: dict[str, int]
) -> None:
    TaskFactory(
        type="model.pull", limit_key=f"server.pulls:{server.pk}", payload={"needed": 7 * MB}
    )
    with running_simulator() as second:
        for name in published:
            second.control.publish(name, MB)
        other = row_of(second, "other")
        plan = plan_of(published, server, other)
    (first, last) = plan.servers
    single = check_pull(server=server, name="a")
    assert (first.server, first.answers, first.needed.count) == (server, True, 3)
    assert first.needed.exact
    needed = first.needed.bytes or 0
    assert 15 * MB <= needed < 16 * MB
    assert first.disk == {**single.disk, "needed": needed, "after": 100 * MB - 7 * MB - needed}
    assert first.downloads == single.downloads
    assert (last.server, last.disk["reserved"], last.disk["state"]) == (other, 0, "ok")
    assert (plan.total_bytes, plan.exact) == (needed + (last.needed.bytes or 0), True)
    assert plan.warnings == []


def test_what_the_servers_have_is_no_part_of_it(
    server: OllamaServer, simulator: Simulator, published: list[str]
) -> None:
    simulator.control.install("a", "b")
    plan = plan_of(published, server)
    assert [item.bytes for item in plan.items][:2] == [0, 0]
    assert plan.exact
    assert plan.total_bytes == check_pull(server=server, name="c").download_bytes


def test_a_name_that_nobody_has_is_left_out(
    server: OllamaServer, published: list[str], simulator: Simulator
) -> None:
    plan = plan_of(["nobody", "a"], server)
    assert plan.counts() == {"total": 2, "will": 1, "nothing": 0, "cannot": 1}
    assert (plan.servers[0].needed.count, plan.unknown, plan.exact) == (1, 0, True)


def test_a_size_that_no_registry_says_is_estimated_as_in_a_single_check(
    server: OllamaServer, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*args: Any, **options: Any) -> Any:
        raise RegistryUnreachable("no")

    monkeypatch.setattr("models_app.batches.asking.fetch_manifest", silent)
    monkeypatch.setattr("models_app.services.survey.fetch_manifest", silent)
    plan = plan_of(["own/some:8b-q4_K_M", "llama3.2", "own/nothing"], server)
    single = [check_pull(server=server, name=item.chosen.name) for item in plan.items]
    assert [item.bytes for item in plan.items] == [each.download_bytes for each in single]
    assert [item.estimate for item in plan.items] == [each.estimate for each in single]
    assert [item.estimate for item in plan.items] == ["details", "details", "unknown"]
    assert (plan.estimated, plan.unknown, plan.exact) == (2, 1, False)
    assert plan.total_bytes == sum(each.download_bytes or 0 for each in single)
    shown = plan.as_json()
    assert shown["bytes"]["estimated"] == shown["servers"][0]["estimated"] == 2
    assert shown["bytes"]["unknown_each"] == assumed_size()
    assert shown["servers"][0]["disk"]["needed"] == (plan.total_bytes or 0) + assumed_size()


def test_two_names_of_one_download_are_estimated_once(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*args: Any, **options: Any) -> Any:
        raise RegistryUnreachable("no")

    monkeypatch.setattr("models_app.batches.asking.fetch_manifest", silent)
    names = ["llama3.2", "llama3.2:3b", "llama3.2:1b"]
    plan = plan_of(names, server)
    sizes = [item.bytes or 0 for item in plan.items]
    assert sizes[0] == sizes[1] != sizes[2]
    assert plan.total_bytes == sizes[0] + sizes[2]
    selection = Selection(names=names, servers=[server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    assert Batch.objects.get(task=task).unmade == {str(server.pk): sizes[0] + sizes[2]}


def test_layers_that_a_server_was_not_heard_of_count_whole(
    server: OllamaServer,
    simulator: Simulator,
    published: list[str],
    disk: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulator.control.install("a", "b", "c")

    async def refuse(*args: Any, **options: Any) -> bool:
        raise ServerError("no")

    monkeypatch.setattr(OllamaClient, "head_blob", refuse)
    disk["free"] = 12 * MB
    plan = plan_of(published, server)
    assert 15 * MB <= (plan.total_bytes or 0) < 16 * MB
    assert (plan.exact, plan.servers[0].answers) == (False, True)
    assert codes(plan) == ["disk_maybe_too_small"]  # it may be, as far as anybody knows
    assert plan.servers[0].disk["state"] == "warn"


@pytest.mark.django_db
def test_the_real_server_is_asked_for_each_layer(
    real_ollama: OllamaProcess, real_registry: RegistryProcess, settings: Any
) -> None:
    settings.INSECURE_REGISTRIES = [real_registry.host]
    server = OllamaServer.objects.create(
        name="real", base_url=real_ollama.url, status=ServerStatus.ONLINE, version="0.24.0"
    )
    there, common, one, two = (os.urandom(size) for size in (4 * MB, 2 * MB, MB, 3 * MB))
    real_ollama.run_client("pull", "--insecure", real_registry.push_layers([there]).name)
    first = real_registry.push_layers([there, common, one])
    second = real_registry.push_layers([there, common, two])
    plan = plan_of([first.name, second.name], server)
    sizes = [check_pull(server=server, name=model.name).download_bytes for model in (first, second)]
    assert [item.bytes for item in plan.items] == sizes
    assert sizes[0] is not None
    assert sizes[1] is not None
    assert plan.total_bytes == sizes[0] + sizes[1] - len(common)  # once for both
    assert plan.exact
