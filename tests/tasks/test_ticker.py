"""What comes again and again: sent by each worker, whatever happens to one sending."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.ticker import Entry, Ticker, schedule_entries
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state

pytestmark = pytest.mark.alone


def test_each_entry_comes_at_its_own_pace() -> None:
    sent: Counter[str] = Counter()
    ticker = Ticker(
        [Entry("often", "x", 0.05, {}), Entry("seldom", "y", 0.5, {})],
        lambda entry: sent.update([entry.name]),
    )
    begun = time.monotonic()
    ticker.start()
    wait_until(lambda: sent["seldom"] == 2, "the slow one came again")
    ticker.stop()
    assert time.monotonic() - begun >= 0.5
    assert sent["often"] > 2


def test_one_that_breaks_stops_no_other_and_not_itself() -> None:
    sent: Counter[str] = Counter()

    def send(entry: Entry) -> None:
        sent[entry.name] += 1
        if entry.name == "broken":
            raise OSError("no space left on device")

    ticker = Ticker([Entry("broken", "x", 0.02, {}), Entry("well", "y", 0.02, {})], send)
    ticker.start()
    wait_until(lambda: sent["well"] > 2 and sent["broken"] > 2, "both go on")
    ticker.stop()


def test_the_schedule_is_read_as_celery_has_it() -> None:
    from ollamactl.celery import app

    app.loader.import_default_modules()
    entries = {entry.task: entry for entry in schedule_entries(app.conf.beat_schedule)}
    assert entries["tasks_app.reconcile"].every == 4
    assert entries["tasks_app.reconcile"].options["queue"] == "control"
    assert set(entries) <= set(app.tasks)


def test_a_worker_alone_finds_what_nobody_was_woken_for(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    done = make("toy.quick")
    wait_for_state(done, State.SUCCEEDED)
    # A row whose wake-up was lost: only a tick finds it.
    Task.objects.filter(pk=done.pk).update(
        state=State.QUEUED, enqueued_at=None, finished_at=None, result=None
    )
    wait_for_state(done, State.SUCCEEDED, 15)
