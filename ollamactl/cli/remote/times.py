"""Times as Ollama's lists say them: `2 days ago`, `4 minutes from now`."""

from __future__ import annotations

from datetime import datetime

from ollamactl.cli.text import gettext as _
from ollamactl.cli.text import ngettext

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_WEEK, _MONTH, _YEAR = 7 * _DAY, 30 * _DAY, 365 * _DAY


def relative(moment: datetime, now: datetime) -> str:
    """The distance of a moment from now, in its largest sensible unit."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return _("now")
    pattern = _("%(time)s ago") if seconds > 0 else _("%(time)s from now")
    return pattern % {"time": _amount(abs(seconds))}


def _amount(seconds: float) -> str:
    whole = int(seconds)
    if whole < 2 * _MINUTE:
        return ngettext("%(number)d second", "%(number)d seconds", whole) % {"number": whole}
    if whole < 2 * _HOUR:
        return _counted(whole, _MINUTE, "minute")
    if whole < 2 * _DAY:
        return _counted(whole, _HOUR, "hour")
    if whole < 2 * _WEEK:
        return _counted(whole, _DAY, "day")
    if whole < 2 * _MONTH:
        return _counted(whole, _WEEK, "week")
    return _counted(whole, _MONTH, "month") if whole < 2 * _YEAR else _counted(whole, _YEAR, "year")


def _counted(seconds: int, unit: int, name: str) -> str:
    number = seconds // unit
    texts = {
        "minute": ngettext("%(number)d minute", "%(number)d minutes", number),
        "hour": ngettext("%(number)d hour", "%(number)d hours", number),
        "day": ngettext("%(number)d day", "%(number)d days", number),
        "week": ngettext("%(number)d week", "%(number)d weeks", number),
        "month": ngettext("%(number)d month", "%(number)d months", number),
        "year": ngettext("%(number)d year", "%(number)d years", number),
    }
    return texts[name] % {"number": number}
