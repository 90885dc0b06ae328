"""What can be said to a task right now: the one answer for pages and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext_lazy as _

from tasks_app.choices import State
from tasks_app.runners import runner_of
from tasks_app.services import CANCEL, RETRY, ROLL_BACK

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from tasks_app.models import Task


@dataclass(frozen=True)
class TaskAction:
    """One thing that a person may say to a task."""

    name: str
    permission: str
    label: str | Promise
    icon: str
    done: str | Promise


ACTIONS: dict[str, TaskAction] = {
    action.name: action
    for action in (
        TaskAction("pause", CANCEL, _("Pause"), "pause", _("The task is paused.")),
        TaskAction("resume", RETRY, _("Resume"), "resume", _("The task goes on.")),
        TaskAction("retry", RETRY, _("Retry"), "refresh", _("The task is tried again.")),
        TaskAction("cancel", CANCEL, _("Cancel"), "close", _("The task is cancelled.")),
        TaskAction(
            "rollback", ROLL_BACK, _("Roll back"), "undo", _("The roll-back is on its way.")
        ),
    )
}


def available_actions(task: Task, user: User | AnonymousUser) -> list[str]:
    """The names of the actions that can work now and that this user may do, in a fixed order."""
    possible = possible_actions(task)
    return [
        action.name
        for action in ACTIONS.values()
        if action.name in possible and user.has_perm(action.permission)
    ]


def words_for_live(task: Task) -> set[str]:
    """The names of what can be said to a task that has not ended."""
    if task.state == State.PAUSED:
        return {"resume", "cancel"}
    runner = runner_of(task.type)
    return {"pause", "cancel"} if runner is not None and runner.pausable else {"cancel"}


def possible_actions(task: Task) -> set[str]:
    """The names of the actions that can work now, whoever may do them."""
    if task.is_live:
        return words_for_live(task)
    runner = runner_of(task.type)
    names = {"retry"} if task.state in (State.FAILED, State.CANCELLED) else set()
    if runner is not None and runner.offers_rollback(task):
        names.add("rollback")
    return names
