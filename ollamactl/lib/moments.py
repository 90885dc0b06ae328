"""Points in time as text for programs: UTC in ISO 8601 with `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

API_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now_as_text() -> str:
    """The present time in milliseconds, as live messages and logs write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_as_text(moment: datetime) -> str:
    """A time in microseconds, as the API writes it."""
    # In `API_FORMAT`; a list has hundreds of them, and `strftime` takes three times as long.
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def moment_or_null(moment: datetime | None) -> str | None:
    """The same, or None where there is no time."""
    return None if moment is None else moment_as_text(moment)
