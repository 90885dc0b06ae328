"""What can be done with a model right now: the one answer for pages and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.events import live_status
from models_app.local_runner import may_be_forced
from models_app.querysets import GONE
from models_app.services.benchmarks import BENCHMARK
from models_app.services.copies import COPY
from models_app.services.lifecycle import DELETE, START, STOP
from models_app.services.pins import PIN
from models_app.services.recreating import RECREATE
from tasks_app.actions import words_for_live
from tasks_app.choices import State
from tasks_app.runners import runner_of
from tasks_app.services import CANCEL, RETRY

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from models_app.models import OllamaModel
    from tasks_app.models import Task


@dataclass(frozen=True)
class Action:
    """One thing that a person may do with a model.

    `confirm` is a question with a place for the model's name, empty where nothing is lost.
    `dialog` is the name of the page that asks for more, empty where nothing is asked. `in_list`
    says whether a row of the list has it too, or the model's own page alone.
    """

    name: str
    permission: str
    label: str | Promise
    icon: str
    done: str | Promise
    confirm: str | Promise = ""
    danger: bool = False
    dialog: str = ""
    in_list: bool = True


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "start",
            START,
            _("Start"),
            "play_arrow",
            _("“%(name)s” is being started."),
        ),
        Action(
            "stop",
            STOP,
            _("Stop"),
            "stop",
            _("“%(name)s” is being stopped."),
        ),
        Action(
            "start-options",
            START,
            _("Start with options"),
            "tune",
            _("“%(name)s” is being started."),
            dialog="admin:model-start-options",
            in_list=False,
        ),
        Action(
            "stop-now",
            STOP,
            _("Stop now"),
            "dangerous",
            _("“%(name)s” is being stopped."),
            confirm=_("Stop “%(name)s” on “%(server)s” without waiting? The requests that it is "
                      "answering end with an error."),
            danger=True,
            in_list=False,
        ),
        Action(
            "pause",
            CANCEL,
            _("Pause"),
            "pause",
            _("The download of “%(name)s” is paused."),
        ),
        Action(
            "resume",
            RETRY,
            _("Resume"),
            "resume",
            _("The download of “%(name)s” goes on."),
        ),
        Action(
            "retry",
            RETRY,
            _("Retry"),
            "refresh",
            _("“%(name)s” is tried again."),
        ),
        Action(
            "cancel",
            CANCEL,
            _("Cancel"),
            "close",
            _("The work on “%(name)s” is cancelled."),
        ),
        Action(
            "benchmark",
            BENCHMARK,
            _("Benchmark"),
            "speed",
            _("The benchmark of “%(name)s” is on its way."),
            in_list=False,
        ),
        Action(
            "copy",
            COPY,
            _("Copy"),
            "content_copy",
            _("“%(name)s” is being copied."),
            dialog="admin:model-copy",
            in_list=False,
        ),
        Action(
            "rename",
            COPY,
            _("Rename"),
            "edit",
            _("“%(name)s” is being renamed."),
            dialog="admin:model-rename",
            in_list=False,
        ),
        Action(
            "recreate",
            RECREATE,
            _("Recreate"),
            "autorenew",
            _("“%(name)s” is being recreated."),
            dialog="admin:model-recreate",
            in_list=False,
        ),
        Action(
            "pin",
            PIN,
            _("Pin"),
            "keep",
            _("“%(name)s” is pinned."),
            in_list=False,
        ),
        Action(
            "unpin",
            PIN,
            _("Unpin"),
            "keep_off",
            _("“%(name)s” is not pinned any more."),
            in_list=False,
        ),
        Action(
            "delete",
            DELETE,
            _("Delete"),
            "delete",
            _("“%(name)s” is being deleted."),
            confirm=_("Delete “%(name)s” from the server “%(server)s”? To use it again it has to "
                      "be downloaded again."),
            danger=True,
        ),
    )
}  # fmt: skip


# What can be done with everything that is on its server.
INSTALLED = ("benchmark", "copy", "rename", "recreate", "delete")


def available_actions(model: OllamaModel, user: User | AnonymousUser) -> list[str]:
    """The names of the actions that can work now and that this user may do, in a fixed order.

    The model needs its `server` and `last_task`; no query is made when both are selected (a
    user's permissions are read once).
    """
    possible = possible_actions(model)
    return [
        action.name
        for action in ACTIONS.values()
        if action.name in possible and user.has_perm(action.permission)
    ]


def possible_actions(model: OllamaModel) -> set[str]:
    """The names of the actions that can work now, whoever may do them; needs the same."""
    possible = _possible(model)
    if model.is_installed:  # a matter of the panel's own, whatever the server does
        possible.add("unpin" if model.pinned else "pin")
    return possible


def _possible(model: OllamaModel) -> set[str]:
    task = model.last_task
    if task is not None and task.is_live:
        return _with_live_task(task)
    if model.server.status in GONE:  # what never came can be forgotten without it
        return set() if model.is_installed else {"delete"}
    at_rest = {
        ModelStatus.RUNNING: {"stop", "start-options", *INSTALLED},
        ModelStatus.STOPPED: {"start", "start-options", *INSTALLED},
        ModelStatus.ERROR: {"delete"},
    }
    names = set(at_rest.get(ModelStatus(live_status(model)), set()))
    if "stop" in names and may_be_forced(model.server):
        names.add("stop-now")
    if names and task is not None and _is_worth_retrying(task):
        names.add("retry")
    return names


def _with_live_task(task: Task) -> set[str]:
    """A task under way is the only thing to speak to; a deletion that runs is not called back."""
    if task.type == "model.delete" and task.state == State.RUNNING:
        return set()
    return words_for_live(task)


def _is_worth_retrying(task: Task) -> bool:
    """A pull or a copy that did not end well; anything else has a button of its own."""
    offered = getattr(runner_of(task.type), "offers_retry", False)
    return offered and task.state in (State.FAILED, State.CANCELLED)
