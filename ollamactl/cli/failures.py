"""How a verb fails: one sentence on stderr, and an exit code that scripts can rely on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from ollamactl.cli.terminal import clean, note
from ollamactl.cli.text import gettext as _


class ExitCode(IntEnum):
    """What `ollamactl` ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_PERMITTED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    CANCELLED = 130


class CommandFailed(Exception):
    """A verb could not do its work; the group of all verbs shows it and ends with its code.

    `detail` is for people; `hints` are the lines below it."""

    def __init__(
        self,
        detail: str,
        *,
        exit_code: ExitCode = ExitCode.FAILED,
        hints: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.message = detail
        self.exit_code = exit_code
        self.hints = tuple(hints)

    def show(self) -> None:
        """Print the sentence (stderr). It may hold a server's text, so it is cleaned."""
        note(_("Error: %(detail)s") % {"detail": clean(self.message)})
        for hint in self.hints:
            note(clean(hint))


class Unreachable(CommandFailed):
    """The panel does not answer, or something before it answers for it. Trying again can help."""


class ApiError(CommandFailed):
    """The panel's answer is no. `body` is the whole answer (a JSON object, or empty)."""

    def __init__(
        self, detail: str, *, status: int, code: str = "", body: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail, exit_code=exit_code_of(status))
        self.status = status
        self.code = code
        self.body = body or {}


_BY_STATUS = {
    400: ExitCode.USAGE,
    422: ExitCode.USAGE,
    401: ExitCode.NOT_PERMITTED,
    403: ExitCode.NOT_PERMITTED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
}


def exit_code_of(status: int) -> ExitCode:
    """The exit code for an HTTP status that is no success."""
    return _BY_STATUS.get(status, ExitCode.FAILED)
