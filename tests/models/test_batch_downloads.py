"""What the plan of many downloads says: bytes, each layer once, and each server once."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches.asking import Heard
from models_app.batches.planning import Plan
from models_app.batches.selection import Selection
from models_app.choices import ServerStatus
from models_app.models import OllamaServer, PanelSettings
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import RegistryUnreachable, ServerError
from models_app.ollama.names import ModelName
from models_app.probes import Candidate, Disk
from models_app.resources.estimates import assumed_size, estimated_size
from models_app.services import batches
from models_app.services.preflight import check_pull
from ollamactl.lib.errors import Conflict
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.reconcile import finish_cancels
from tasks_app.services import cancel_task
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess
from tests.factories import OllamaModelFactory, TaskFactory
from tests.models.conftest import MB, Panel, row_of

Simulator = RunningSimulator
NAMES = ["a", "b", "c"]


@pytest.fixture
def published(simulator: Simulator) -> list[str]:
    """Three models of the registry, of 5 MB each."""
    for name in NAMES:
        simulator.control.publish(name, 5 * MB)
    return NAMES


@pytest.fixture
def silent_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them says anything in time where a batch is planned or begins."""
    monkeypatch.setattr("models_app.batches.planning.ask_around", lambda *_args, **_kw: Heard())


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def plan_of(names: list[str], *servers: OllamaServer) -> Plan:
    selection = Selection(names=names, servers=[server.pk for server in servers])
    return batches.plan_batch(actor=SYSTEM, operation="pull", selection=selection)


def codes(plan: Plan) -> list[str]:
    return [warning["code"] for warning in plan.warnings]


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


def on_one_disk(
    monkeypatch: pytest.MonkeyPatch, folders: dict[int, str], *, free: int = 100 * MB
) -> None:
    """Let these servers, by their ids, keep their models in these folders of one disk."""
    monkeypatch.setattr(PanelSettings, "disk_kept", lambda panel, server: 0)
    monkeypatch.setattr(
        Candidate, "disk", lambda candidate: Disk(free, 1, Path(candidate.models[0][0]))
    )
    monkeypatch.setattr(
        "models_app.resources.reserved.local_candidates",
        lambda servers: {
            each.pk: Candidate(((folders[each.pk], ""),)) for each in servers if each.pk in folders
        },
    )


def test_servers_that_share_a_folder_need_each_layer_once(
    server: OllamaServer,
    simulator: Simulator,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin_url = simulator.url.replace("127.0.0.1", "localhost")
    twin = row_of(simulator, "twin", base_url=twin_url)
    # A third server downloads already, to the same disk.
    busy = OllamaServer.objects.create(name="busy", base_url="http://127.0.0.1:9")
    TaskFactory(type="model.pull", limit_key=f"server.pulls:{busy.pk}", payload={"needed": 9 * MB})
    on_one_disk(monkeypatch, {server.pk: "/a", twin.pk: "/a", busy.pk: "/b"})
    plan = plan_of(published, server, twin)
    one, other = plan.servers
    assert one.needed == other.needed
    assert one.disk == other.disk
    assert one.disk["needed"] == one.needed.bytes
    assert one.disk["reserved"] == 9 * MB
    on_one_disk(monkeypatch, {server.pk: "/a", twin.pk: "/b"}, free=20 * MB)
    plan = plan_of(published, server, twin)  # each fits alone, both together do not
    assert plan.servers[0].disk["needed"] == 2 * (one.needed.bytes or 0)
    assert codes(plan) == ["disk_too_small"]
    assert "The disk of “sim, twin” has 20 MB free" in str(plan.warnings[0]["detail"])


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


@pytest.mark.usefixtures("silent_registries")
def test_what_is_up_to_date_is_taken_for_nothing(server: OllamaServer) -> None:
    for name, outdated in (("old", True), ("new", False), ("unasked", None)):
        OllamaModelFactory(server=server, name=f"{name}:latest", size=5 * MB, outdated=outdated)
    selection = Selection(names=["old", "new", "unasked"], servers=[server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    assert Batch.objects.get(task=task).unmade == {str(server.pk): 10 * MB}


def test_a_guess_of_others_warns_and_never_blocks(
    server: OllamaServer, published: list[str], disk: dict[str, int]
) -> None:
    """A download of unknown size keeps its room until its registry says what it is."""
    fields = {"type": "model.pull", "limit_key": f"server.pulls:{server.pk}"}
    unknown = TaskFactory(**fields, payload={"needed": None})
    disk["free"] = assumed_size() + 2 * MB
    found = check_pull(server=server, name="a")
    assert found.verdict == found.disk["state"] == "warn"
    assert found.disk["reserved"] == found.disk["reserved_guessed"] == assumed_size()
    assert "Other downloads may need" in str(found.reasons[0]["detail"])
    planned = plan_of(["a"], server)
    assert codes(planned) == ["disk_maybe_too_small"]
    assert planned.servers[0].disk["reserved_guessed"] == assumed_size()

    Task.objects.filter(pk=unknown.pk).update(total=3 * MB, done=MB)
    found = check_pull(server=server, name="a")
    assert (found.disk["reserved"], found.disk["reserved_guessed"]) == (2 * MB, 0)
    assert found.verdict == "ok"
    TaskFactory(**fields, payload={"needed": assumed_size()})
    assert check_pull(server=server, name="a").verdict == "block"


def test_what_waits_in_a_batch_has_its_room_reserved(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    for name in NAMES:
        simulator.control.publish(name, 5 * MB)
    PanelSettings.objects.create(pk=1, downloads_held=True)  # so all of them wait
    sizes = [check_pull(server=panel.server, name=name).download_bytes or 0 for name in NAMES]
    selection = Selection(names=[*NAMES, "nobody:8b"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    work_off("default")
    waiting = Task.objects.filter(parent=task).order_by("pk")
    assert [part.payload["needed"] for part in waiting][:3] == sizes
    reserved = check_pull(server=panel.server, name="other").disk["reserved"]
    assert reserved == sum(part.payload["needed"] or 0 for part in waiting)
    disk["free"] = reserved + 6 * MB
    simulator.control.publish("small", 5 * MB)
    simulator.control.publish("large", 7 * MB)
    assert check_pull(server=panel.server, name="small").disk["state"] == "ok"
    assert check_pull(server=panel.server, name="large").disk["state"] == "block"
    cancel_task(actor=SYSTEM, task=task)
    finish_cancels()


@pytest.mark.usefixtures("silent_registries")
def test_what_a_batch_has_not_made_yet_has_its_room_reserved(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    """By estimates until the parts are made, then by what each of them says."""
    PanelSettings.objects.create(pk=1, downloads_held=True)
    selection = Selection(names=["one:8b", "two:8b", "nobody"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    estimate = estimated_size(ModelName.parse("one:8b"))
    assert estimate is not None
    batch = Batch.objects.get(task=task)
    unmade = 2 * estimate.bytes + assumed_size()
    assert batch.unmade == {str(panel.server.pk): unmade}
    simulator.control.publish("other", MB)
    looked = check_pull(server=panel.server, name="other").disk
    assert looked["reserved"] == looked["reserved_guessed"] == unmade
    assert plan_of(["other"], panel.server).servers[0].disk["reserved"] == looked["reserved"]
    work_off("default")
    batch.refresh_from_db()
    assert (batch.position, batch.unmade) == (3, {})
    parts = Task.objects.filter(parent=task)
    reserved = sum(part.payload["needed"] or assumed_size() for part in parts)
    assert check_pull(server=panel.server, name="other").disk["reserved"] == reserved
    cancel_task(actor=SYSTEM, task=task)
    finish_cancels()
    assert check_pull(server=panel.server, name="other").disk["reserved"] == 0


@pytest.mark.usefixtures("silent_registries")
def test_a_batch_that_will_make_no_more_reserves_nothing(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    selection = Selection(names=["one:8b"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    assert check_pull(server=panel.server, name="other").disk["reserved"]
    cancel_task(actor=SYSTEM, task=task)
    assert check_pull(server=panel.server, name="other").disk["reserved"] == 0


def test_a_single_check_counts_downloads_of_other_servers_on_its_disk(
    server: OllamaServer,
    simulator: Simulator,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the plan of a batch does."""
    busy = OllamaServer.objects.create(name="busy", base_url="http://127.0.0.1:9")
    TaskFactory(type="model.pull", limit_key=f"server.pulls:{busy.pk}", payload={"needed": 9 * MB})
    folders = {server.pk: "/a", busy.pk: "/b"}
    monkeypatch.setattr(
        "models_app.resources.host.local_candidate",
        lambda each: Candidate(((folders[each.pk], ""),)),
    )
    on_one_disk(monkeypatch, folders)
    single = check_pull(server=server, name="a").disk
    assert single["reserved"] == 9 * MB
    assert plan_of(["a"], server).servers[0].disk["reserved"] == single["reserved"]
    on_one_disk(monkeypatch, folders, free=13 * MB)  # it would fit alone
    assert check_pull(server=server, name="a").disk["state"] == "block"


def test_a_disk_that_is_too_small_for_all_of_them(
    server: OllamaServer, published: list[str], disk: dict[str, int]
) -> None:
    disk["free"] = 12 * MB  # two of them fit
    plan = plan_of(published, server)
    assert codes(plan) == ["disk_too_small"]
    assert "The disk of “sim” has 12 MB free" in str(plan.warnings[0]["detail"])
    assert plan.servers[0].disk["state"] == "block"
    assert plan.counts()["will"] == 3  # it is said, and not forbidden
    assert codes(plan_of(published[:2], server)) == []


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
