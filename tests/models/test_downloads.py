"""The queue of downloads: limits, order with reasons, all paused, what a restart resumes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app import rates
from models_app.models import OllamaServer, PanelSettings
from models_app.services import downloads, lifecycle
from models_app.services.panel_settings import update_settings
from ollamactl.lib.errors import Conflict, InvalidInput, NotPermitted
from ollamactl.simulator.running import RunningSimulator
from tasks_app import transitions
from tasks_app.claim import claim_next
from tasks_app.models import Task
from tests.factories import OllamaServerFactory, TaskFactory, UserFactory, actor_of
from tests.models.conftest import MB, Engine, Panel

Simulator = RunningSimulator


def settings(**fields: Any) -> PanelSettings:
    return update_settings(actor=SYSTEM, **fields)


def pulls(panel: Panel, simulator: Simulator, *names: str) -> list[Task]:
    for name in names:
        simulator.control.publish(name, 20 * MB)
    return [panel.pull(name).task for name in names]


def looks() -> list[downloads.Download]:
    return downloads.look_at(list(downloads.all_downloads()))


def codes() -> list[str | None]:
    return [found.waits.code if found.waits else None for found in looks()]


def test_no_more_run_than_in_all(panel: Panel, simulator: Simulator) -> None:
    settings(downloads_overall=1)
    pulls(panel, simulator, "a", "b")
    first, _more = claim_next("pulls", owner="test")
    assert first is not None
    assert claim_next("pulls", owner="test") == (None, False)
    assert codes() == [None, "overall_limit"]
    settings(downloads_overall=None, downloads_per_server=1)
    assert codes() == [None, "server_limit"]
    OllamaServer.objects.update(max_downloads=2)
    assert codes() == [None, "next"]
    second, _more = claim_next("pulls", owner="test")
    assert second is not None
    for task in (first, second):
        transitions.release(task)


def test_places_and_reasons(panel: Panel, simulator: Simulator) -> None:
    tasks = pulls(panel, simulator, "a", "b", "c")
    Task.objects.filter(pk=tasks[1].pk).update(run_after=timezone.now() + timedelta(minutes=1))
    assert [found.position for found in looks()] == [1, 2, 3]
    assert codes() == ["next", "backoff", "next"]
    lifecycle.pause_pull(actor=SYSTEM, model=panel.model("a"))
    assert [(found.task.pk, found.position) for found in looks()] == [
        (tasks[1].pk, 1),
        (tasks[2].pk, 2),
        (tasks[0].pk, None),
    ]


def test_all_are_paused_and_resumed(panel: Panel, simulator: Simulator, engine: Engine) -> None:
    simulator.control.speed(MB)
    settings(downloads_per_server=1)
    first, second = pulls(panel, simulator, "a", "b")
    panel.wait_for_bytes(first, 1)
    assert downloads.hold_downloads(actor=SYSTEM) == 1
    panel.wait(first, "paused")
    assert codes() == ["held", None]
    assert panel.pull("smollm2").preflight.reason("downloads_held")
    third = Task.objects.latest("pk")
    simulator.control.speed(1e9)
    assert downloads.let_downloads_go_on(actor=SYSTEM) == (1, 0)
    for task in (first, second, third):
        panel.wait(task)
    verbs = set(AuditRecord.objects.values_list("verb", flat=True))
    assert {"downloads.hold", "downloads.resume"} <= verbs


def test_who_may_pause_all(db: None) -> None:
    viewer = actor_of(UserFactory(role="viewer"))
    for service in (downloads.hold_downloads, downloads.let_downloads_go_on):
        with pytest.raises(NotPermitted):
            service(actor=viewer)
    with pytest.raises(NotPermitted):
        update_settings(actor=actor_of(UserFactory(role="operator")), downloads_per_server=1)


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"downloads_per_server": 0}, "downloads_per_server"),
        ({"keep_free_disk": -1}, "keep_free_disk"),
        ({"retry_on": ["weather"]}, "retry_on"),
        ({"retry_backoff": 60, "retry_longest": 30}, "retry_longest"),
    ],
)
def test_settings_that_cannot_be(db: None, fields: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        settings(**fields)
    assert refused.value.attr == attr
    assert not PanelSettings.objects.exists()


def test_a_change_of_settings_is_audited(db: None) -> None:
    settings(downloads_per_server=7)
    settings(downloads_per_server=7)
    assert AuditRecord.objects.get(verb="settings.change").data["changed"] == {
        "downloads_per_server": 7
    }


@pytest.mark.usefixtures("engine")
def test_what_is_tried_again_is_a_setting(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("wanted", 2 * MB)
    settings(retry_on=["server"], retry_attempts=2, retry_backoff=1, retry_longest=1)
    simulator.control.fault("cut")
    task = panel.wait(panel.pull("wanted").task, "failed")
    assert ((task.error or {})["code"], task.attempt) == ("stream_cut", 1)
    settings(retry_on=["network"])
    lifecycle.retry_work(actor=SYSTEM, model=panel.model("wanted"))
    assert panel.wait(task, "failed").attempt == 2


def test_a_restart_says_what_it_resumed(panel: Panel, simulator: Simulator) -> None:
    simulator.control.speed(MB)
    (task,) = pulls(panel, simulator, "a")
    before = timezone.now() - timedelta(seconds=2)
    engine = Engine().start()
    panel.wait_for_bytes(task, 1)
    assert downloads.resumed_after_restart(before) == []
    engine.stop()
    task.refresh_from_db()
    assert (task.state, task.interrupted_at is not None) == ("queued", True)
    simulator.control.speed(1e9)
    engine = Engine().start()
    panel.wait(task)
    engine.stop()
    assert [found.pk for found in downloads.resumed_after_restart(before)] == [task.pk]
    assert downloads.resumed_after_restart(timezone.now() + timedelta(seconds=2)) == []


def test_a_pause_by_hand_is_no_restart(panel: Panel, simulator: Simulator, engine: Engine) -> None:
    simulator.control.speed(MB)
    (task,) = pulls(panel, simulator, "a")
    panel.wait_for_bytes(task, 1)
    lifecycle.pause_pull(actor=SYSTEM, model=panel.model("a"))
    panel.wait(task, "paused")
    simulator.control.speed(1e9)
    lifecycle.resume_pull(actor=SYSTEM, model=panel.model("a"))
    panel.wait(task)
    assert downloads.resumed_after_restart() == []


def test_one_pull_for_all_spellings(panel: Panel, simulator: Simulator) -> None:
    (task,) = pulls(panel, simulator, "wanted")
    for spelling in (
        "WANTED",
        "wanted:latest",
        "library/Wanted",
        "registry.ollama.ai/library/wanted",
    ):
        with pytest.raises(Conflict) as refused:
            panel.pull(spelling)
        assert refused.value.extra["task"] == task.pk


def test_ten_thousand_wait_in_a_few_queries(db: None) -> None:
    server = OllamaServerFactory()
    rows = [
        Task(type="model.pull", queue="pulls", rank=number, limit_key=f"server.pulls:{server.pk}")
        for number in range(10_000)
    ]
    Task.objects.bulk_create(rows)
    page = list(downloads.all_downloads()[9_950:10_000])
    with CaptureQueriesContext(connection) as queries:
        found = downloads.look_at(page)
    assert len(queries) <= 4
    assert (found[0].position, found[-1].position) == (9_951, 10_000)


def test_the_rate_is_kept_for_a_while(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    TaskFactory(type="model.pull", state="running", rate=5.0 * MB)
    TaskFactory(type="model.pull", state="running", rate=1.0 * MB)
    TaskFactory(type="server.sync", state="running", rate=1.0 * MB)
    moment = {"now": 1_000_000.0}
    monkeypatch.setattr("models_app.rates.time.time", lambda: moment["now"])
    for _ in range(rates.KEPT + 5):
        rates.take_sample()
        rates.take_sample()  # of another worker, at the same time
        moment["now"] += rates.EVERY
    kept = rates.samples()
    assert {sample.rate for sample in kept} == {6 * MB}
    assert len(kept) == rates.KEPT
    assert [sample.at for sample in kept] == sorted({sample.at for sample in kept})
    Task.objects.all().delete()


def test_without_valkey_the_chart_is_empty(settings: Any) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    assert rates.samples() == []


@pytest.mark.usefixtures("engine")
def test_a_pull_that_would_fill_the_disk_is_paused(
    panel: Panel, simulator: Simulator, own_disk: dict[str, int], settings: Any
) -> None:
    settings.DISK_WATCH_SECONDS = 0.05
    update_settings(actor=SYSTEM, keep_free_disk=50 * MB)
    simulator.control.speed(2 * MB)
    (task,) = pulls(panel, simulator, "wanted")
    panel.wait_for_bytes(task, MB)
    own_disk["free"] = 55 * MB  # somebody else has written there
    panel.wait(task, "paused")
    assert (task.error or {})["code"] == "disk_filling"
    assert task.attempt == 0
    model = panel.model("wanted")
    assert model.status == "paused"
    assert "Paused before the disk is full: 55 MB are free" in str(model.message)

    own_disk["free"] = 10_000 * MB
    simulator.control.speed(1e9)
    lifecycle.resume_pull(actor=SYSTEM, model=panel.model("wanted"))
    panel.wait(task)
    assert str(panel.model("wanted").message) == ""
