"""What can go wrong on the way out. Each has a sentence, and says whether trying again can help."""

from __future__ import annotations

from typing import ClassVar

from ollamactl.lib.errors import ApplicationError


class OutboundError(ApplicationError):
    """A call to another machine did not give a usable answer."""

    status = 502
    code = "outbound_failed"
    retryable: ClassVar[bool] = False


class AddressRefused(OutboundError):
    """The address is one that this call may not reach."""

    status = 400
    code = "address_refused"


class NameNotResolved(OutboundError):
    """The host's name has no address."""

    code = "name_not_resolved"
    retryable = True


class AnswerTooLarge(OutboundError):
    """The answer has more bytes than the call accepts."""

    code = "too_large"


class EncodedAnswer(OutboundError):
    """The answer is compressed although that was not asked for."""

    code = "bad_answer"


class RedirectRefused(OutboundError):
    """A redirect leads where this call may not go, or there are too many of them."""

    code = "redirect_refused"


class TotalTimeout(OutboundError):
    """The whole call took longer than it may."""

    status = 504
    code = "timeout"
    retryable = True


class NoUsableAnswer(OutboundError):
    """No connection, or one that broke before the answer was whole."""

    code = "unreachable"
    retryable = True
