"""Pulls that fail: each ends with a sentence, and another try goes on from what is there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.runners import PullRunner
from models_app.services import lifecycle, survey
from ollamactl.lib.errors import Conflict
from ollamactl.simulator.running import RunningSimulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.presentation import error_as_json
from tasks_app.runners import RetryPolicy
from tests.components.waiting import wait_until
from tests.models.conftest import MB, Engine, Panel

Simulator = RunningSimulator


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that wait for hundredths of a second."""
    policy = RetryPolicy(attempts=3, backoff=0.02, longest=0.1)
    monkeypatch.setattr(PullRunner, "retry_policy", lambda: policy)
    monkeypatch.setattr("models_app.download.PAUSE_SECONDS", 0.02)


def failed(panel: Panel, name: str) -> Task:
    """A pull that runs into the failure that is set."""
    return panel.wait(panel.pull(name).task, "failed")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("fault", "code", "attempts", "words"),
    [
        ({"kind": "disk_full"}, "disk_full", 1, "disk is full"),
        ({"kind": "missing"}, "model_missing", 1, "no such model"),
        ({"kind": "error_in_stream", "message": "boom"}, "server_error", 3, "Ollama says: boom"),
        ({"kind": "digest_mismatch"}, "server_error", 3, "damaged on its way"),
        ({"kind": "http_500_empty", "endpoint": "/api/pull"}, "server_error", 3, "does not say"),
        ({"kind": "http_503", "endpoint": "/api/pull"}, "busy", 3, "Try again"),
        ({"kind": "html", "endpoint": "/api/pull"}, "not_ollama", 1, "web page"),
    ],
)
def test_each_failure_has_its_sentence(
    panel: Panel, simulator: Simulator, fault: dict[str, Any], code: str, attempts: int, words: str
) -> None:
    simulator.control.publish("broken", MB)
    simulator.control.fault(**fault)
    task = failed(panel, "broken")
    assert task.error is not None
    assert (task.error["code"], task.attempt) == (code, attempts)
    model = panel.model("broken")
    assert model.status == ModelStatus.ERROR
    assert words in str(model.message)
    assert str(model.message) == (error_as_json(task) or {})["detail"]
    # And mended: the retry of a person brings it.
    simulator.control.clear()
    lifecycle.retry_work(actor=SYSTEM, model=model)
    panel.wait(task)
    model = panel.model("broken")
    assert (model.status, str(model.message)) == (ModelStatus.STOPPED, "")


@pytest.mark.usefixtures("engine")
def test_a_failed_update_leaves_the_installed_version(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("kept", MB, version=1)
    before = panel.pulled("kept")
    simulator.control.publish("kept", 4 * MB, version=2)
    simulator.control.fault("disk_full", at_bytes=MB)
    failed(panel, "kept")
    after = panel.model("kept")
    assert (after.status, after.digest, after.size) == ("stopped", before.digest, before.size)
    assert "disk is full" in str(after.message)


@pytest.mark.usefixtures("engine")
def test_a_stream_that_is_cut_goes_on_by_itself(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("cut", 4 * MB)
    simulator.control.fault("cut", at_bytes=2 * MB, count=1)
    task = panel.wait(panel.pull("cut").task)
    assert task.attempt == 1  # within the attempt: it had brought something
    assert simulator.control.pulls("cut:latest")["started"] == 2
    assert sum(simulator.control.counters()["bytes_moved"].values()) < 4.5 * MB


@pytest.mark.usefixtures("engine")
def test_a_stream_that_is_always_cut_at_once_is_given_up(
    panel: Panel, simulator: Simulator
) -> None:
    simulator.control.publish("cut", 4 * MB)
    simulator.control.fault("cut")
    task = failed(panel, "cut")
    assert (task.error or {})["code"] == "stream_cut"
    assert (task.error or {})["retryable"] is True


@pytest.mark.usefixtures("engine")
def test_a_stalled_pull_is_posted_again(panel: Panel, simulator: Simulator, settings: Any) -> None:
    settings.STALL_SECONDS = 0.3
    simulator.control.publish("stalled", 4 * MB)
    simulator.control.fault("stall", at_bytes=2 * MB, count=1)
    task = panel.wait(panel.pull("stalled").task)
    assert task.attempt == 1
    assert simulator.control.pulls("stalled:latest")["started"] == 2


@pytest.mark.usefixtures("engine")
def test_one_that_stalls_for_ever_is_given_up_with_a_sentence(
    panel: Panel, simulator: Simulator, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STALL_SECONDS = 0.2
    monkeypatch.setattr("models_app.download.MOST_STALLS", 2)
    simulator.control.publish("dead", 4 * MB)
    simulator.control.fault("stall", at_bytes=MB)
    task = failed(panel, "dead")
    assert (task.error or {})["code"] == "stalled"
    assert "No byte came for 0 s, 2 times in a row." in str(panel.model("dead").message)


@pytest.mark.usefixtures("engine")
def test_a_server_that_dies_and_comes_back(
    panel: Panel, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    policy = RetryPolicy(attempts=100, backoff=0.1, longest=0.1)
    monkeypatch.setattr(PullRunner, "retry_policy", lambda: policy)
    panel.pulled("all-minilm")
    simulator.control.speed(100 * MB)
    pull = panel.pull("smollm2")  # in the catalogue of every simulator, after a restart too
    panel.wait_for_bytes(pull.task, MB)
    simulator.stop()

    def waits() -> bool:
        model = panel.model("smollm2")
        return model.status == ModelStatus.WAITING and bool(model.message)

    wait_until(waits, "the row says why it waits")
    reason = str(panel.model("smollm2").message)
    assert "sim" in reason  # which server
    simulator.start()
    task = panel.wait(pull.task)
    assert task.attempt > 1
    assert str(panel.model("smollm2").message) == ""


def test_a_model_that_no_registry_has_is_refused_before(panel: Panel) -> None:
    with pytest.raises(Conflict) as refused:
        panel.pull("nobody-has-this")
    assert refused.value.code == "insufficient_resources"
    assert refused.value.extra["preflight"]["reasons"][0]["code"] == "model_missing"
    assert not Task.objects.exists()


def test_a_missing_model_behind_an_override_is_ollamas_to_refuse(
    panel: Panel, engine: Engine
) -> None:
    pull = panel.pull("nobody-has-this", override=True)
    task = panel.wait(pull.task, "failed")
    assert (task.error or {})["code"] == "model_missing"
    model = panel.model("nobody-has-this")
    assert model.status == ModelStatus.ERROR
    assert model.is_installed is False


def test_what_is_stored_is_english_and_shown_in_the_readers_language(
    panel: Panel, simulator: Simulator
) -> None:
    simulator.control.publish("broken", MB)
    simulator.control.fault("disk_full")
    pull = panel.pull("broken")
    with override("zh-hans"):  # whatever the worker speaks
        work_off("pulls")
    pull.task.refresh_from_db()
    assert "The server's disk is full." in (pull.task.error or {})["detail"]
    message = panel.model("broken").message
    assert str(message).startswith("The server's disk is full.")


def test_a_settling_that_is_refused_is_said_in_english_too(
    panel: Panel, simulator: Simulator
) -> None:
    """The model goes while its pull waits: the worker's refusal is a stored sentence."""
    simulator.control.publish("gone", MB)
    pull = panel.pull("gone")
    pull.model.delete()
    with override("zh-hans"):
        work_off("pulls")
    task = panel.wait(pull.task, "failed")
    assert (task.error or {})["code"] == "model_gone"
    assert "This model is gone from the panel." in (task.error or {})["detail"]


def test_an_answer_slower_than_the_check_warns_and_goes_on(
    panel: Panel, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "SECONDS", 0.2)
    simulator.control.publish("slow", MB)
    simulator.control.fault("hang", endpoint="/v2/*", count=1)
    pull = panel.pull("slow")
    assert pull.preflight.verdict == "warn"
    assert pull.preflight.download_bytes is None
    assert pull.preflight.reason("registry_timeout")
    work_off("pulls")
    task = panel.wait(pull.task)
    assert task.total is not None
