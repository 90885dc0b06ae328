"""The errors that people are meant to see.

Every expected failure is an `ApplicationError`. It is turned into an answer in one place for each
surface: `ollamactl.lib.api` for the JSON API, `ollamactl.lib.htmx` for pages, the command line from
the API's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ApplicationError(Exception):
    """A failure with a sentence for people and a code for programs.

    `detail` says what is wrong and what to do, in the reader's language (a lazy translation is
    kept lazy until it is shown). `attr` names the input field at fault, `extra` carries data for
    programs (JSON types only).
    """

    status: ClassVar[int] = 400
    code: str = "invalid"

    def __init__(
        self,
        detail: object,
        *,
        code: str | None = None,
        attr: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.attr = attr
        self.extra = dict(extra or {})

    def __str__(self) -> str:
        return str(self.detail)


class InvalidInput(ApplicationError):
    """What was sent cannot be used as it is."""


class NotPermitted(ApplicationError):
    """The user may not do this; `extra["permission"]` holds the codename."""

    status = 403
    code = "permission_denied"


class NotFound(ApplicationError):
    """There is no such thing, or this user may not know of it."""

    status = 404
    code = "not_found"


class Conflict(ApplicationError):
    """The thing is in a state in which this cannot be done."""

    status = 409
    code = "conflict"


class Unavailable(ApplicationError):
    """A part that is needed does not answer; trying again later can help."""

    status = 503
    code = "unavailable"
