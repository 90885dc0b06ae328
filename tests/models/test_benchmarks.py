"""Benchmarks, on the simulated server and on the real one."""

from __future__ import annotations

import pytest

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.models import Benchmark, OllamaModel
from models_app.services.benchmarks import benchmark_model, performance_of, settle_benchmark
from models_app.services.lifecycle import cancel_work, start_model
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.logs import read_log
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import OllamaModelFactory
from tests.models.backends import Backend
from tests.models.conftest import MB, Panel, row_of


def test_one_that_was_not_loaded_is_loaded_and_let_go(backend: Backend) -> None:
    model = backend.model()
    task = backend.panel.wait(benchmark_model(actor=SYSTEM, model=model, tokens=8), timeout=240)
    found = Benchmark.objects.get()
    assert (found.model_id, found.task_id, found.digest) == (model.pk, task.pk, model.digest)
    assert found.load_seconds is not None
    assert found.load_seconds > 0
    assert found.first_token_seconds > 0
    assert (found.tokens, task.total) == (8, 8)
    assert found.token_rate > 0
    assert found.context_length
    assert found.processor.startswith("100% ")
    assert backend.loaded() == []
    model = backend.model()
    assert (model.status, model.loaded) == (ModelStatus.STOPPED, None)
    known = performance_of(model)
    assert known is not None
    assert known.last == found
    log = read_log(task)
    assert log is not None
    assert f"8 tokens, {found.token_rate:.1f} tokens/s, the first after" in log.text


def test_one_that_is_loaded_stays_as_it_was(backend: Backend) -> None:
    model = backend.model()
    backend.panel.wait(start_model(actor=SYSTEM, model=model, num_ctx=1024))
    backend.panel.wait(benchmark_model(actor=SYSTEM, model=backend.model(), tokens=8), timeout=240)
    found = Benchmark.objects.get()
    assert (found.load_seconds, found.context_length) == (None, 1024)
    loaded = backend.model().loaded
    assert loaded is not None
    assert (loaded["context_length"], loaded["expires_at"]) == (1024, None)
    assert backend.model().status == ModelStatus.RUNNING


@pytest.mark.usefixtures("engine")
def test_one_that_only_embeds_says_so(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("embeds", MB, family="bert")
    task = panel.wait(benchmark_model(actor=SYSTEM, model=panel.pulled("embeds")), "failed")
    assert (task.error or {})["code"] == "not_supported"
    assert not Benchmark.objects.exists()


@pytest.mark.usefixtures("engine")
def test_a_cancelled_one_leaves_no_result(panel: Panel) -> None:
    with running_simulator(tokens_per_second=2) as slow:
        panel.server = row_of(slow, "slow")
        slow.control.publish("talker", MB)
        task = benchmark_model(actor=SYSTEM, model=panel.pulled("talker"))

        def answers() -> bool:
            task.refresh_from_db()
            return task.phase == "answering"

        wait_until(answers, "it answers")
        cancel_work(actor=SYSTEM, model=panel.model("talker"))
        panel.wait(task, "cancelled")
        assert not Benchmark.objects.exists()


@pytest.mark.usefixtures("engine")
def test_two_on_one_server_wait_for_each_other(panel: Panel, simulator: RunningSimulator) -> None:
    tasks = []
    for name in ("one", "two"):
        simulator.control.publish(name, MB)
        tasks.append(benchmark_model(actor=SYSTEM, model=panel.pulled(name)))
    first, second = (panel.wait(task) for task in tasks)
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at


@pytest.mark.django_db
def test_an_end_that_is_written_twice_is_one_result() -> None:
    model = OllamaModelFactory()
    figures = {"token_rate": 10.0, "first_token_seconds": 0.1, "tokens": 8}
    result = {"loaded": None, "benchmark": {**figures, "processor": "", "digest": "",
              "server_version": ""}}  # fmt: skip
    task = Task.objects.create(
        type="model.benchmark",
        resource_type="model",
        resource_id=model.pk,
        state="succeeded",
        result=result,
    )
    OllamaModel.objects.update(last_task=task)
    for _time in range(2):
        settle_benchmark(task)
    assert Benchmark.objects.count() == 1
    model.delete()
    assert not Benchmark.objects.exists()
    assert Task.objects.filter(pk=task.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("tokens", [0, 7, 2049])
def test_what_cannot_be_measured(tokens: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        benchmark_model(actor=SYSTEM, model=OllamaModelFactory(), tokens=tokens)
    assert refused.value.attr == "tokens"
    with pytest.raises(Conflict, match="not on the server yet"):
        benchmark_model(actor=SYSTEM, model=OllamaModelFactory(digest="", status="error"))
