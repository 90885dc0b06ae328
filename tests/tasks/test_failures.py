"""How attempts fail, and which are followed by another."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now

from ollamactl.lib.errors import Conflict
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import State
from tasks_app.execution import backoff, work_off
from tasks_app.hub import hub
from tasks_app.logs import read_log
from tasks_app.models import Task
from tasks_app.presentation import task_as_json
from tasks_app.reconcile import reconcile
from tasks_app.runners import RetryPolicy, TaskFailed, WorkPaused
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state
from tests.tasks.toys import Quick, settled


def test_what_cannot_get_better_fails_at_once(make: Maker) -> None:
    task = make("toy.fail", {"kind": "final"})
    work_off("default")
    task.refresh_from_db()
    assert task.state == State.FAILED
    assert task_as_json(task)["error"] == {
        "code": "broken",
        "detail": "The toy is broken.",
        "retryable": False,
    }
    assert settled(task.pk) == ["queued", "running", "failed"]


def test_what_may_get_better_is_tried_again_later(make: Maker) -> None:
    task = make("toy.fail", {"succeeds_at": 2})
    assert work_off("default") == 1
    task.refresh_from_db()
    assert (task.state, task.attempt, task.owner) == (State.QUEUED, 1, "")
    assert task.error is not None
    assert Task.objects.filter(pk=task.pk, run_after__gt=Now()).exists()
    assert work_off("default") == 0

    wait_until(lambda: work_off("default"), "it is due")

    task.refresh_from_db()
    assert (task.state, task.attempt, task.error) == (State.SUCCEEDED, 2, None)


def test_a_worker_tries_again_until_it_gives_up(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    task = make("toy.fail")
    wait_for_state(task, State.FAILED)
    task.refresh_from_db()
    assert task.attempt == 3
    times = [float(line.split()[3]) for line in make.effects_of(task, "begin")]
    assert len(times) == 3
    assert times[1] - times[0] >= 0.15
    assert times[2] - times[1] >= 0.3


def test_the_unexpected_is_a_plain_sentence_and_a_traceback_in_the_log(
    make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    task = make("toy.fail", {"kind": "unexpected"})
    with caplog.at_level(logging.ERROR):
        work_off("default")
    task.refresh_from_db()
    assert task.state == State.FAILED
    error = task_as_json(task)["error"]
    assert error["code"] == "internal"
    assert "secret" not in error["detail"]
    assert "ZeroDivisionError: secret detail" in caplog.text


def test_an_unknown_kind_of_task_says_so(make: Maker) -> None:
    task = make("toy.quick")
    Task.objects.filter(pk=task.pk).update(type="gone.app")
    work_off("default")
    task.refresh_from_db()
    assert task.error is not None
    assert (task.state, task.error["code"]) == (State.FAILED, "unknown_type")


def test_a_payload_of_an_older_version_still_runs_and_a_newer_says_so(make: Maker) -> None:
    older, newer = make("toy.quick"), make("toy.quick")
    Task.objects.filter(pk=older.pk).update(payload_version=0)
    Task.objects.filter(pk=newer.pk).update(payload_version=2)
    work_off("default")
    older.refresh_from_db()
    newer.refresh_from_db()
    assert older.state == State.SUCCEEDED
    assert newer.error is not None
    assert (newer.state, newer.error["code"]) == (State.FAILED, "newer_payload")


def test_a_result_that_is_no_json_fails_the_task(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Quick, "work", lambda self: {"answer": object()})
    task = make("toy.quick")
    work_off("default")
    task.refresh_from_db()
    assert task.error is not None
    assert task.error["code"] == "internal"


class TestResourceThatRefuses:
    """`settle` raises: the task never hangs."""

    @staticmethod
    def refuse(monkeypatch: pytest.MonkeyPatch, states: set[str], error: Exception) -> None:
        def settle(cls: type[Quick], task: Task) -> None:
            if task.state in states:
                raise error

        monkeypatch.setattr(Quick, "settle", classmethod(settle))

    def test_creation_is_undone(self, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuse(monkeypatch, {"queued"}, Conflict("The model is busy."))
        with pytest.raises(Conflict, match="busy"):
            make("toy.quick")
        assert not Task.objects.exists()

    def test_the_claimed_task_fails_with_what_was_said(
        self, make: Maker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = make("toy.quick")
        self.refuse(monkeypatch, {"running"}, Conflict("The model is busy."))
        assert work_off("default") == 0
        task.refresh_from_db()
        assert task.state == State.FAILED
        assert task_as_json(task)["error"]["detail"] == "The model is busy."

    @pytest.mark.parametrize("error", [Conflict("It is gone."), LookupError("a bug")])
    def test_an_end_that_is_refused_is_a_failure(
        self, make: Maker, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        task = make("toy.quick")
        self.refuse(monkeypatch, {"succeeded", "failed"}, error)
        assert work_off("default") == 1
        task.refresh_from_db()
        assert (task.state, task.owner, task.lease_until) == (State.FAILED, "", None)

    def test_a_busy_database_is_asked_again(
        self, make: Maker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import OperationalError

        refusals: list[Any] = []

        def settle(cls: type[Quick], task: Task) -> None:
            if task.state == State.SUCCEEDED and len(refusals) < 2:
                refusals.append(task)
                raise OperationalError("database is locked")

        monkeypatch.setattr(Quick, "settle", classmethod(settle))
        task = make("toy.quick")
        work_off("default")
        task.refresh_from_db()
        assert task.state == State.SUCCEEDED
        assert len(refusals) == 2

    def test_a_broken_database_leaves_it_to_the_lease(
        self, make: Maker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = make("toy.quick")
        self.refuse(monkeypatch, {"succeeded"}, DatabaseError("the disk is gone"))
        with pytest.raises(DatabaseError):
            work_off("default")
        task.refresh_from_db()
        assert task.state == State.RUNNING
        assert hub().attempts() == []
        Task.objects.filter(pk=task.pk).update(lease_until=Now())
        wait_until(lambda: reconcile(hub().owner), "the lease is over")
        task.refresh_from_db()
        assert task.state == State.QUEUED


def test_backoff_doubles_with_jitter_up_to_its_longest() -> None:
    policy = RetryPolicy(attempts=10, backoff=2, longest=60)
    for attempt, middle in [(1, 2), (2, 4), (4, 16), (9, 60)]:
        waits = {backoff(policy, attempt) for _ in range(20)}
        assert len(waits) > 1
        assert all(
            timedelta(seconds=middle * 0.79) < wait < timedelta(seconds=middle * 1.21)
            for wait in waits
        )


@pytest.mark.parametrize(
    ("error", "said"),
    [(TaskFailed, "Failed (odd): Of 3 toys none works."), (WorkPaused, "Paused (odd): Of 3 toys")],
)
def test_a_log_says_in_words_what_went_wrong(
    make: Maker, monkeypatch: pytest.MonkeyPatch, error: Any, said: str
) -> None:
    task = make("toy.quick")

    def work(runner: Quick) -> None:
        raise error(Sentence("Of {count} toys none works.", count=3), code="odd")

    monkeypatch.setattr(Quick, "work", work)
    assert work_off("default") == 1
    task.refresh_from_db()
    log = read_log(task)
    assert log is not None
    assert said in log.text


def test_a_log_says_what_another_program_said(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the sentence says it in other words."""
    task = make("toy.quick")

    def work(runner: Quick) -> None:
        raise TaskFailed(Sentence("It is full.", words="no space."), code="odd")

    monkeypatch.setattr(Quick, "work", work)
    assert work_off("default") == 1
    task.refresh_from_db()
    log = read_log(task)
    assert log is not None
    assert "Failed (odd): It is full. (no space.)\n" in log.text
