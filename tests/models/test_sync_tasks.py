"""Syncs as tasks: what happens meanwhile, all servers at once, and very long lists."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.models import OllamaModel, OllamaServer
from models_app.runners import SyncRunner
from models_app.services import lifecycle, servers
from models_app.services.listing import Listing
from models_app.services.sync import apply_listing
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy
from tests.components.waiting import wait_until
from tests.models.conftest import MB, Engine, Panel, row_of
from tests.models.test_sync import DIGESTS, entry, listing

Simulator = RunningSimulator


def sync(panel: Panel, **options: Any) -> Task:
    return servers.sync_server(actor=SYSTEM, server=panel.server, **options)


@pytest.mark.usefixtures("engine")
def test_a_sync_counts_what_it_did(panel: Panel, simulator: Simulator) -> None:
    simulator.control.install("all-minilm", "smollm2:135m")
    task = panel.wait(sync(panel))
    assert task.result == {
        "added": 2,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
        "conflicts": [],
    }
    assert (task.done, task.total) == (2, 2)
    simulator.control.remove("all-minilm")
    task = panel.wait(sync(panel))
    assert (task.result or {})["deleted"] == 1
    assert (task.result or {})["unchanged"] == 1
    panel.server.refresh_from_db()
    assert panel.server.synced_at is not None


def test_one_that_waits_is_not_asked_for_twice(panel: Panel) -> None:
    first = sync(panel)
    assert sync(panel).pk == first.pk
    with pytest.raises(InvalidInput) as refused:
        sync(panel, on_conflict="nobody")
    assert refused.value.attr == "on_conflict"
    assert "server, panel, report" in str(refused.value)


def test_a_sync_of_all_servers_is_a_family(
    panel: Panel, simulator: Simulator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SyncRunner, "retry", RetryPolicy(attempts=1))
    simulator.control.install("all-minilm")
    OllamaServer.objects.create(name="down", base_url="http://127.0.0.1:9")
    parent = panel.wait(servers.sync_all(actor=SYSTEM), "failed")
    assert parent.result == {"total": 2, "succeeded": 1, "failed": 1, "cancelled": 0}
    assert OllamaModel.objects.get().name == "all-minilm:latest"
    OllamaServer.objects.filter(name="down").delete()


def test_without_a_server_there_is_nothing_to_sync(transactional_db: None) -> None:
    with pytest.raises(Conflict, match="Add one first"):
        servers.sync_all(actor=SYSTEM)


def test_what_was_pulled_after_the_listing_stays(panel: Panel, simulator: Simulator) -> None:
    """The list is asked for, then a pull ends, then the list is applied."""
    before = Listing([], [], timezone.now())
    simulator.control.publish("new", MB)
    pull = panel.pull("new")
    work_off("pulls")
    panel.wait(pull.task)
    counts = apply_listing(server=panel.server, listing=before)
    assert (counts["deleted"], counts["unchanged"]) == (0, 1)
    assert panel.model("new").status == ModelStatus.STOPPED
    panel.server.refresh_from_db()
    assert panel.server.tags_hash == ""  # it is looked at again


def test_what_was_deleted_after_the_listing_does_not_come_back(
    panel: Panel, simulator: Simulator
) -> None:
    simulator.control.publish("old", MB)
    pull = panel.pull("old")
    work_off("pulls")
    panel.wait(pull.task)
    before = Listing([entry("old:latest", DIGESTS[0])], [], timezone.now())
    lifecycle.delete_model(actor=SYSTEM, model=panel.model("old"))
    work_off("default")
    counts = apply_listing(server=panel.server, listing=before)
    assert counts["added"] == 0
    assert not OllamaModel.objects.exists()


def test_a_server_that_is_forgotten_meanwhile(panel: Panel) -> None:
    task = sync(panel)
    found = listing({"a:latest": DIGESTS[0]})
    servers.remove_server(actor=SYSTEM, server=panel.server)
    assert panel.wait(task, "cancelled").error is None
    apply_listing(server=panel.server, listing=found)
    assert not OllamaModel.objects.exists()


def test_a_server_with_work_under_way_is_not_forgotten(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("busy", MB)
    panel.pull("busy")
    with pytest.raises(Conflict, match="Work is under way"):
        servers.remove_server(actor=SYSTEM, server=panel.server)


def test_a_sync_that_finds_nothing_writes_nothing(db: None, simulator: Simulator) -> None:
    server = row_of(simulator)

    def queries(count: int) -> int:
        found = listing({f"m{n}:latest": DIGESTS[0] for n in range(count)})
        apply_listing(server=server, listing=found)
        with CaptureQueriesContext(connections["default"]) as captured:
            apply_listing(server=server, listing=found)
        return len(captured)

    assert (
        queries(10) == queries(400) == 3
    )  # rows and conflicts are read, and when it was is written


@pytest.mark.alone
def test_a_long_list_keeps_nobody_waiting(panel: Panel) -> None:
    """While they are written, another writer's transactions go through, none over 2 s."""
    count = 4_000
    ended = threading.Event()
    waits: list[float] = []

    def write_meanwhile() -> None:
        while not ended.wait(0.05):
            begun = time.monotonic()
            OllamaServer.objects.filter(pk=panel.server.pk).update(failures=len(waits))
            waits.append(time.monotonic() - begun)
        connections.close_all()

    with running_simulator(models=count) as large:
        panel.server.base_url = large.url
        panel.server.save()
        task = sync(panel)
        writer = threading.Thread(target=write_meanwhile)
        writer.start()
        try:
            begun = time.monotonic()
            engine = Engine(threads=1).start()
            try:
                panel.wait(task, timeout=120)
            finally:
                engine.stop()
            took = time.monotonic() - begun
        finally:
            ended.set()
            writer.join(30)
    assert task.result is not None
    assert task.result["added"] == count == OllamaModel.objects.count()
    assert len(waits) > 10
    assert max(waits) < 2, (max(waits), took)


def test_a_sync_can_be_cancelled_on_its_way(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    with running_simulator(models=600) as large:
        panel.server.base_url = large.url
        panel.server.save()
        monkeypatch.setattr("models_app.services.sync.SLICE_SECONDS", 0.02)
        monkeypatch.setattr("models_app.services.sync.FIRST_SLICE", 20)
        monkeypatch.setattr("models_app.services.sync.SLICE", 20)
        task = sync(panel)
        wait_until(lambda: OllamaModel.objects.count() > 0, "some are written")
        from tasks_app.services import cancel_task

        cancel_task(actor=SYSTEM, task=task)
        panel.wait(task, "cancelled")
        some = OllamaModel.objects.count()
        assert 0 < some < 600
        panel.wait(sync(panel))
        assert OllamaModel.objects.count() == 600


def test_a_row_left_in_an_old_state_is_set_right(panel: Panel, simulator: Simulator) -> None:
    """Whatever a row says, a sync ends with what the server has."""
    simulator.control.install("all-minilm")
    sync(panel)
    work_off("default")
    OllamaModel.objects.update(
        status=ModelStatus.RUNNING, is_loaded=True, loaded={"size": 1}, size=1
    )
    sync(panel)
    work_off("default")
    row = panel.model("all-minilm")
    assert (row.status, row.loaded, row.is_loaded) == (ModelStatus.STOPPED, None, False)
    assert row.size is not None
    assert row.size > MB
    assert row.modified_at is not None
    assert row.modified_at > timezone.now() - dt.timedelta(hours=1)
