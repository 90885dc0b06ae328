"""Points in time as text for programs: UTC in ISO 8601 with `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

API_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now_as_text() -> str:
    """The present time in milliseconds, as live messages and logs write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_as_text(moment: datetime) -> str:
    """A time in microseconds, as the API writes it."""
    return moment.astimezone(UTC).strftime(API_FORMAT)
