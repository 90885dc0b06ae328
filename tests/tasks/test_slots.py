"""Threads stay free for short work."""

from __future__ import annotations

from tasks_app.slots import CONTROL, Slots
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state


def test_one_queue_never_takes_all() -> None:
    slots = Slots(threads=16)
    assert [slots.take("pulls") for _ in range(13)].count(True) == 12
    assert [slots.take("default") for _ in range(3)] == [True, True, False]
    assert slots.take(CONTROL)


def test_who_was_refused_is_named_once_there_is_room() -> None:
    slots = Slots(threads=1)
    assert slots.take("pulls")
    assert not slots.take("pulls")
    assert not slots.take("default")
    assert slots.give_back("pulls") == {"default"}
    assert slots.take("pulls")
    assert slots.give_back("pulls") == set()


def test_short_work_passes_a_full_queue_of_long_work(make: Maker, new_worker: NewWorker) -> None:
    new_worker(threads=4)
    long = [make("toy.stream", {"gate": str(make.gate)}) for _ in range(6)]
    wait_until(lambda: sum(bool(make.effects_of(task)) for task in long) == 3, "three are at work")
    with_one_thread_left = make("toy.control")
    wait_for_state(with_one_thread_left, "succeeded", 10)
    make.open_gate()
    wait_for_state(long, "succeeded", 10)
