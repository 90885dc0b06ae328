"""Doing the work: from a wake-up to the end of an attempt, in a thread of the worker's pool."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, OperationalError
from django.utils.translation import override

from ollamactl.lib.connections import close_connections
from ollamactl.lib.sentences import from_stored
from tasks_app import families, transitions
from tasks_app.attempt import Attempt, Stop
from tasks_app.claim import claim_next
from tasks_app.failures import NEWER_PAYLOAD, UNKNOWN_TYPE, failure, failure_of
from tasks_app.hub import Hub, hub
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, Runner, Stopped, TaskFailed, WorkPaused, runner_of
from tasks_app.slots import slots
from tasks_app.wakeups import send_wake, wake_where_room
from tasks_app.words import cancel_children

logger = logging.getLogger(__name__)

END_TRIES = 4
"""How often the end of an attempt is written to a database that refuses; then the lease expires."""

End = Callable[[], Task | None]


def work_off(queue: str) -> int:
    """Do the work that the queue has now, one task after the other. Returns how many there were."""
    here, done = hub(), 0
    while not here.closing and slots.take(queue):
        try:
            task, more = claim_next(queue, owner=here.owner.name)
            if task is None:
                break
            if more:
                send_wake(queue)  # for another thread or another worker
            run_attempt(here, task)
            done += 1
        finally:
            for refused in slots.give_back(queue):
                send_wake(refused)
    return done


def run_attempt(here: Hub, task: Task) -> None:
    """One attempt at a claimed task, to its end in the row."""
    attempt = here.enter(task)
    try:
        end = _attempt(here, attempt)
        here.close(attempt)
        _write_end(end, task)
    finally:
        here.leave(attempt)
    if task.limit_key:
        wake_where_room(task.limit_key, but=task.queue)


def _attempt(here: Hub, attempt: Attempt) -> End:
    """Do the work; returns how the row has to end."""
    task = attempt.task
    attempt.write_log(f"Attempt {task.attempt} begins.")
    try:
        result = _plain(_runner(attempt).work())
    except Stopped:
        return _stopped(attempt)
    except WorkPaused as pause:
        return _paused(attempt, pause)
    except Exception as error:  # whatever a runner raises ends its attempt
        if attempt.reason is Stop.LOST:
            return _stopped(attempt)
        failed = failure_of(error, task)
        if _is_to_be_cancelled(task):  # what it works on may have gone for the same reason
            attempt.write_log(f"Failed ({failed['code']}) as it was to be cancelled.")
            attempt.stop(Stop.CANCEL)
            return _stopped(attempt)
        return _failed(here, attempt, failed)
    attempt.write_log("Its own work is done." if _waits(task) else "Succeeded.")
    _save_last_progress(attempt)
    return lambda: _succeed(attempt, result)


def _runner(attempt: Attempt) -> Runner:
    runner = runner_of(attempt.task.type)
    if runner is None:
        raise TaskFailed(UNKNOWN_TYPE, code="unknown_type")
    if attempt.task.payload_version > runner.payload_version:
        raise TaskFailed(NEWER_PAYLOAD, code="newer_payload")
    return runner(attempt)


def _waits(task: Task) -> bool:
    """Whether it goes on until its last part has ended, which may fail."""
    runner = runner_of(task.type)
    return runner is not None and runner.has_parts and task.children.exists()


def _succeed(attempt: Attempt, result: dict[str, Any] | None) -> Task | None:
    if attempt.task.children.exists():
        return families.wait_or_succeed(attempt.task, result, floor=attempt.seq)
    return transitions.succeed(attempt.task, result, floor=attempt.seq)


def _cancel(attempt: Attempt) -> Task | None:
    """A parent says in the end how many of its parts were done: the last one ends it."""
    if attempt.task.children.exists():
        return families.wait_cut_short(attempt.task, floor=attempt.seq)
    return transitions.cancel(attempt.task, floor=attempt.seq)


def _stopped(attempt: Attempt) -> End:
    task, reason = attempt.task, attempt.reason
    if reason is Stop.LOST:
        return lambda: None
    words = {Stop.CANCEL: "Cancelled.", Stop.PAUSE: "Paused."}
    attempt.write_log(
        words.get(reason or Stop.RELEASE, "Given back to the queue: the worker ends.")
    )
    _save_last_progress(attempt)
    if reason is Stop.CANCEL:
        return lambda: _with_children(_cancel(attempt))
    if reason is Stop.PAUSE:
        return lambda: transitions.pause(task, floor=attempt.seq)
    return lambda: transitions.release(task, floor=attempt.seq)


def _paused(attempt: Attempt, pause: WorkPaused) -> End:
    """The work itself says that it must not go on now; a word of people's outweighs that."""
    if attempt.reason in (Stop.CANCEL, Stop.LOST):
        return _stopped(attempt)
    error = failure(pause.code, pause.detail)
    attempt.write_log(f"Paused ({error['code']}): {_in_words(error)}")
    _save_last_progress(attempt)
    return lambda: transitions.pause(attempt.task, error=error, floor=attempt.seq)


def _in_words(error: dict[str, Any]) -> str:
    """What a log says of it, and what Ollama said where the sentence says it in other words: logs
    are in English, whoever reads them."""
    sentence = from_stored(str(error["detail"]))
    with override("en"):
        shown = str(sentence)
    words = str(sentence.values.get("words", ""))
    return shown if words in shown else f"{shown} ({words})"


def _failed(here: Hub, attempt: Attempt, error: dict[str, Any]) -> End:
    task = attempt.task
    runner = runner_of(task.type)
    policy = _policy_of(runner) if runner else RetryPolicy()
    attempt.write_log(f"Failed ({error['code']}): {_in_words(error)}")
    _save_last_progress(attempt)
    if not policy.allows(error, task.attempt):
        return lambda: _with_children(transitions.fail(task, error, floor=attempt.seq))
    delay = backoff(policy, task.attempt)
    attempt.write_log(f"Again in {delay.total_seconds():.1f} s.")

    def retry() -> Task | None:
        later = transitions.retry_later(task, error, delay, floor=attempt.seq)
        here.wake_later(task.queue, delay)
        return later

    return retry


def _is_to_be_cancelled(task: Task) -> bool:
    try:
        return Task.objects.filter(pk=task.pk, cancel_requested=True).exists()
    except DatabaseError:
        return False


def _policy_of(runner: type[Runner]) -> RetryPolicy:
    try:
        return runner.retry_policy()
    except DatabaseError:
        return runner.retry


def backoff(policy: RetryPolicy, attempt: int) -> timedelta:
    """How long to wait after a failed attempt: doubled each time, jittered, bounded."""
    seconds = min(policy.longest, policy.backoff * 2 ** (attempt - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - no secret


def _with_children(ended: Task | None) -> Task | None:
    """A parent that did not succeed takes its live children with it."""
    if ended is not None:
        cancel_children([ended.pk])
    return ended


def _save_last_progress(attempt: Attempt) -> None:
    progress = attempt.take_unsaved()
    if progress is not None:
        try:
            transitions.save_progress(attempt.task, progress, attempt.seq)
        except OperationalError:
            logger.warning("The last progress of task %s is not in its row", attempt.task.pk)


def _write_end(end: End, task: Task) -> None:
    """Write the end; a database that is busy is asked again."""
    for remaining in reversed(range(END_TRIES)):
        try:
            end()
            return
        except OperationalError as error:
            if not remaining:
                raise
            logger.warning("The end of task %s is not written yet: %s", task.pk, error)
            close_connections()
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - no secret


def _plain(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """The result as JSON holds it."""
    if result is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(result, cls=DjangoJSONEncoder))
    return plain
