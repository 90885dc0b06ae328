"""The order of what waits: moves, priorities, an overall limit, a pause by the work itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.runners import SyncRunner
from ollamactl.lib.errors import Conflict, InvalidInput, NotPermitted
from tasks_app import ordering
from tasks_app.claim import claim_next
from tasks_app.models import Task
from tests.factories import TaskFactory, UserFactory, actor_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting() -> Callable[[int], list[Task]]:
    """So many tasks in one queue, in this order."""

    def make(count: int) -> list[Task]:
        return [
            TaskFactory(type="server.sync", queue="pulls", rank=100 + number)
            for number in range(count)
        ]

    return make


def task_at(rank: int) -> Task:
    task: Task = TaskFactory(type="server.sync", queue="pulls", rank=rank)
    return task


def order() -> list[int]:
    return list(Task.objects.waiting().values_list("pk", flat=True))


def move(task: Task, to: str) -> None:
    ordering.move_task(actor=SYSTEM, task=task, to=to)


def test_first_last_up_and_down(waiting: Callable[[int], list[Task]]) -> None:
    tasks = waiting(4)
    a, b, c, d = (task.pk for task in tasks)
    for number, to, expected in (
        (2, "first", [c, a, b, d]),
        (0, "last", [c, b, d, a]),
        (3, "up", [c, d, b, a]),
        (2, "down", [d, c, b, a]),
        (3, "up", [d, c, b, a]),
        (0, "down", [d, c, b, a]),
    ):
        move(tasks[number], to)
        assert order() == expected, to


def test_a_place_is_another_ones_priority_too(waiting: Callable[[int], list[Task]]) -> None:
    tasks = waiting(3)
    ordering.prioritize_task(actor=SYSTEM, task=tasks[2], priority=5)
    assert order() == [tasks[2].pk, tasks[0].pk, tasks[1].pk]
    move(tasks[1], "first")
    assert order() == [tasks[1].pk, tasks[2].pk, tasks[0].pk]
    move(tasks[0], "up")
    assert order() == [tasks[1].pk, tasks[0].pk, tasks[2].pk]


def test_those_of_one_moment_can_be_moved() -> None:
    tasks = [task_at(7) for _ in range(3)]
    move(tasks[2], "up")
    assert order()[0] == tasks[2].pk
    move(tasks[0], "down")
    assert set(order()[:2]) == {tasks[2].pk, tasks[1].pk}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(ordering.MOVES)), max_size=8))
def test_moves_are_those_of_a_list(db: None, moves: list[tuple[int, str]]) -> None:
    Task.objects.all().delete()
    tasks = [
        TaskFactory(type="server.sync", queue="pulls", rank=100 + number) for number in range(5)
    ]
    expected = [task.pk for task in tasks]
    for number, to in moves:
        task = tasks[number]
        at = expected.index(task.pk)
        goal = {"first": 0, "last": 4, "up": max(0, at - 1), "down": min(4, at + 1)}[to]
        expected.insert(goal, expected.pop(at))
        move(task, to)
        assert order() == expected


def test_other_queues_keep_their_order(waiting: Callable[[int], list[Task]]) -> None:
    other = TaskFactory(type="server.sync", rank=1)
    tasks = waiting(2)
    move(tasks[1], "first")
    other.refresh_from_db()
    assert other.rank == 1


def test_who_may_move_and_what(waiting: Callable[[int], list[Task]]) -> None:
    (task,) = waiting(1)
    viewer = actor_of(UserFactory(role="viewer"))
    with pytest.raises(NotPermitted) as refused:
        ordering.move_task(actor=viewer, task=task, to="first")
    assert refused.value.extra == {"permission": "tasks_app.move_task"}
    with pytest.raises(InvalidInput):
        move(task, "sideways")
    with pytest.raises(InvalidInput):
        ordering.prioritize_task(actor=SYSTEM, task=task, priority=1000)
    move(task, "first")
    assert AuditRecord.objects.get(verb="task.move").data["to"] == "first"
    Task.objects.update(state="running")
    with pytest.raises(Conflict) as conflict:
        move(task, "first")
    assert conflict.value.code == "not_waiting"


def test_the_first_is_claimed_first(waiting: Callable[[int], list[Task]]) -> None:
    tasks = waiting(3)
    move(tasks[2], "first")
    claimed, more = claim_next("pulls", owner="test")
    assert claimed is not None
    assert (claimed.pk, more) == (tasks[2].pk, True)


def test_an_overall_limit_holds_for_the_type(
    waiting: Callable[[int], list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit: dict[str, Any] = {"overall": 1}
    monkeypatch.setattr(SyncRunner, "overall_limit", lambda: limit["overall"])
    waiting(2)
    assert claim_next("pulls", owner="test")[0] is not None
    assert claim_next("pulls", owner="test") == (None, False)
    limit["overall"] = 2
    assert claim_next("pulls", owner="test")[0] is not None
