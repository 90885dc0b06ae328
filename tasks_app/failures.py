"""What went wrong, as the row keeps it: `{code, detail, retryable}`."""

from __future__ import annotations

import logging
from typing import Any

from django.db import OperationalError
from django.utils.translation import gettext_noop

from ollamactl.lib.errors import ApplicationError, Unavailable
from ollamactl.lib.sentences import Sentence, to_stored
from tasks_app.models import Task
from tasks_app.runners import TaskFailed

logger = logging.getLogger(__name__)

INTERNAL = Sentence(
    gettext_noop(
        "Something unexpected went wrong in the panel. Try again; "
        "if it comes back, the worker's log says more."
    )
)
WORKER_LOST = Sentence(
    gettext_noop(
        "The worker was lost three times while it did this. "
        "Look at its log and at the machine's memory, then try again."
    )
)
UNKNOWN_TYPE = Sentence(gettext_noop("This version of the panel does not know this kind of task."))
NEWER_PAYLOAD = Sentence(
    gettext_noop("This task was made by a newer version of the panel. Update, then try again.")
)


def failure(code: str, detail: object, *, retryable: bool = False) -> dict[str, Any]:
    """An error for the row; the sentence is kept so that each reader sees it in their language."""
    return {"code": code, "detail": to_stored(detail), "retryable": retryable}


def failure_of(error: Exception, task: Task) -> dict[str, Any]:
    """What an exception that ended an attempt means; an unexpected one goes to the log too."""
    if isinstance(error, TaskFailed):
        return failure(error.code, error.detail, retryable=error.retryable)
    if isinstance(error, ApplicationError):
        return failure(error.code, error.detail, retryable=isinstance(error, Unavailable))
    logger.error("Task %s (%s) broke", task.pk, task.type, exc_info=error)
    return failure("internal", INTERNAL, retryable=isinstance(error, OperationalError))
