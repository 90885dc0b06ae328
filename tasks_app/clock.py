"""Times by the database's clock, which all workers share, and the row's version number in SQL."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import BigIntegerField, DateTimeField, Expression, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest, Now

from tasks_app.sequence import next_seq

LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=5)
JUMP = timedelta(seconds=5)
"""By so much the database's clock may differ from the time that has passed."""
_NOW = {
    "postgresql": "SELECT STATEMENT_TIMESTAMP()",
    "sqlite": "SELECT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')",
}
SETTLING = 2 * HEARTBEAT
"""After a jump every living worker has renewed its leases within this time."""


def from_now(delay: timedelta) -> Expression:
    """The moment `delay` after the database's now; negative for a moment that has passed."""
    return ExpressionWrapper(Now() + delay, output_field=DateTimeField())


def raised_seq(floor: int = 0) -> Expression:
    """The row's next `seq`, above `floor` too: `next_seq`, inside an UPDATE."""
    return Greatest(F("seq") + 1, Value(next_seq(floor)), output_field=BigIntegerField())


def database_now() -> datetime:
    """The database's clock, as a statement that is begun now sees it."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW[connection.vendor])
        (now,) = cursor.fetchone()
    if isinstance(now, datetime):
        return now
    return datetime.fromisoformat(str(now)).replace(tzinfo=UTC)


class ClockWatch:
    """Notices, from one look to the next, that the database's clock was set.

    A machine that slept looks the same: time went on without anybody at work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[float, datetime] | None = None
        self._settled_at = 0.0

    def is_steady(self) -> bool:
        """Whether times that were written before can be judged by the clock's now."""
        with self._lock:
            return self._look(time.monotonic(), database_now())

    def _look(self, moment: float, now: datetime) -> bool:
        if self._last is not None:
            passed = timedelta(seconds=moment - self._last[0])
            if abs(now - self._last[1] - passed) > JUMP:
                self._settled_at = moment + SETTLING.total_seconds()
        self._last = (moment, now)
        return moment >= self._settled_at
