"""Times by the database's clock, which all workers share, and the row's version number in SQL."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import BigIntegerField, DateTimeField, Expression, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest, Now

from tasks_app.sequence import next_seq

LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=5)


def from_now(delay: timedelta) -> Expression:
    """The moment `delay` after the database's now; negative for a moment that has passed."""
    return ExpressionWrapper(Now() + delay, output_field=DateTimeField())


def raised_seq(floor: int = 0) -> Expression:
    """The row's next `seq`, above `floor` too: `next_seq`, inside an UPDATE."""
    return Greatest(F("seq") + 1, Value(next_seq(floor)), output_field=BigIntegerField())
