"""What each operation is: its task, its right, when it can be done, and what undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from models_app.batches.words import Operation, Outcome
from models_app.choices import Source
from models_app.models import OllamaModel
from models_app.pulls import PULL_TYPE
from models_app.querysets import GONE
from models_app.services.lifecycle import DELETE, PULL, START, STOP
from models_app.services.recreating import RECREATE
from ollamactl.lib.sentences import Sentence

NO_ANSWER = Sentence(gettext_noop("Its server does not answer."))
BUSY = Sentence(gettext_noop("It is being worked on already."))
NOT_THERE = Sentence(gettext_noop("It is not on the server yet."))
RUNS = Sentence(gettext_noop("It is running already."))
RESTS = Sentence(gettext_noop("It is not running."))
MADE_HERE = Sentence(gettext_noop("It was made here: no registry has it."))
NEWEST = Sentence(gettext_noop("It is up to date."))
DONE_BY_NAME = Sentence("")


@dataclass(frozen=True)
class Judgement:
    """What the plan says of one model, with a code and a sentence where it is not done."""

    outcome: Outcome
    code: str = ""
    detail: Sentence = DONE_BY_NAME


WILL = Judgement(Outcome.WILL)


@dataclass(frozen=True)
class Kind:
    """One operation. `undone_by` is None where nothing brings back what was there."""

    operation: Operation
    task_type: str
    permission: str
    judge: Callable[[OllamaModel], Judgement]
    undone_by: Operation | None = None
    dangerous: bool = False


def judge(kind: Kind, model: OllamaModel) -> Judgement:
    """What becomes of a model that has a row, from that row alone (with server and last task)."""
    if model.last_task is not None and model.last_task.is_live:
        return Judgement(Outcome.CANNOT, "busy", BUSY)
    if model.server.status in GONE and not _needs_no_server(kind, model):
        return Judgement(Outcome.CANNOT, "unavailable", NO_ANSWER)
    return kind.judge(model)


def _needs_no_server(kind: Kind, model: OllamaModel) -> bool:
    """What never came can be forgotten without its server."""
    return kind.operation == Operation.DELETE and not model.is_installed


def _installed(model: OllamaModel) -> Judgement:
    return WILL if model.is_installed else Judgement(Outcome.CANNOT, "not_installed", NOT_THERE)


def _start(model: OllamaModel) -> Judgement:
    return Judgement(Outcome.NOTHING, "running", RUNS) if model.is_loaded else _installed(model)


def _stop(model: OllamaModel) -> Judgement:
    return WILL if model.is_loaded else Judgement(Outcome.NOTHING, "not_running", RESTS)


def _delete(model: OllamaModel) -> Judgement:
    return WILL


def _pull(model: OllamaModel) -> Judgement:
    if model.source == Source.LOCAL:
        return Judgement(Outcome.CANNOT, "local", MADE_HERE)
    return WILL


def _recreate(model: OllamaModel) -> Judgement:
    found = _installed(model)
    return _pull(model) if found.outcome == Outcome.WILL else found


def _update(model: OllamaModel) -> Judgement:
    found = _recreate(model)
    if found.outcome == Outcome.WILL and model.outdated is False:
        return Judgement(Outcome.NOTHING, "up_to_date", NEWEST)
    return found


KINDS: dict[Operation, Kind] = {
    kind.operation: kind
    for kind in (
        Kind(Operation.START, "model.start", START, _start, undone_by=Operation.STOP),
        Kind(Operation.STOP, "model.stop", STOP, _stop, undone_by=Operation.START),
        Kind(
            Operation.DELETE,
            "model.delete",
            DELETE,
            _delete,
            undone_by=Operation.PULL,
            dangerous=True,
        ),
        Kind(Operation.PULL, PULL_TYPE, PULL, _pull, undone_by=Operation.DELETE),
        Kind(Operation.RECREATE, PULL_TYPE, RECREATE, _recreate, dangerous=True),
        Kind(Operation.UPDATE, PULL_TYPE, PULL, _update),
    )
}
