"""How long what the panel writes down is kept. Imports no Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ollamactl.cli.text import gettext

LONGEST = 36_500  # days

DEFAULTS = {
    "OLLAMACTL_KEEP_TASKS_DAYS": 90,
    "OLLAMACTL_KEEP_AUDIT_DAYS": 365,
    "OLLAMACTL_KEEP_LOGINS_DAYS": 90,
    "OLLAMACTL_KEEP_TOKENS_DAYS": 30,
    "OLLAMACTL_KEEP_USE_DAYS": 365,
    "OLLAMACTL_KEEP_CHATS_DAYS": 0,
}


@dataclass(frozen=True)
class Retention:
    """A time for each kind of record; None keeps it for ever.

    `tasks`: after a task's end, its log file with it. `audit`: after the action. `logins`: after
    the last try that the lock-out counted. `tokens`: after a token's expiry. `use`: after an
    answer was counted. `chats`: after a chat was last used.
    """

    tasks: timedelta | None
    audit: timedelta | None
    logins: timedelta | None
    tokens: timedelta | None
    use: timedelta | None = None
    chats: timedelta | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Retention:
        """Parse `OLLAMACTL_KEEP_*_DAYS`; raise `ConfigurationError` at the first bad one."""
        return cls(*(_days(environ, name, default) for name, default in DEFAULTS.items()))


def _days(environ: Mapping[str, str], name: str, default: int) -> timedelta | None:
    """A number of days; None, for ever, where it is 0 or empty."""
    from ollamactl.settings.env import ConfigurationError  # which reads this module

    value = environ.get(name, str(default)).strip() or "0"
    if not (value.isascii() and value.isdigit() and len(value) < 6 and int(value) <= LONGEST):
        message = gettext("'%(value)s' is not a number of days (0 keeps for ever)")
        raise ConfigurationError(name, message % {"value": value[:80]})
    return timedelta(days=int(value)) or None
