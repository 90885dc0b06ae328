"""Inside the panel: let what has ended be old, and have the panel tidied up as it does by itself.

So minutes show what the rows of months do. Asks for `{"seconds": N}`: what ended earlier than that
is old; answers how many tasks were aged.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import django

YEARS = timedelta(days=1000)


def age(seconds: float) -> dict[str, int]:
    """Age the rows, and send the panel's own tidying to its worker."""
    from axes.models import AccessAttempt, AccessLog
    from django.contrib.sessions.models import Session
    from django.db.models import F, Model
    from django.utils import timezone

    from audit_app.models import ApiToken, AuditRecord
    from tasks_app.choices import ENDED
    from tasks_app.models import Task
    from tasks_app.tasks import tidy

    now = timezone.now()
    before = now - timedelta(seconds=seconds)

    def put_back(model: type[Model], field: str, **which: Any) -> int:
        rows = model._default_manager.filter(**which, **{f"{field}__lt": before})
        return rows.update(**{field: F(field) - YEARS})

    aged = put_back(
        Task, "finished_at", finished_at__gt=now - YEARS, state__in=[str(state) for state in ENDED]
    )
    put_back(AuditRecord, "at", at__gt=now - YEARS)
    put_back(AccessAttempt, "attempt_time", attempt_time__gt=now - YEARS)
    put_back(AccessLog, "attempt_time", attempt_time__gt=now - YEARS)
    # Sessions and tokens that were made before then end now; those of the soak itself are newer.
    ended = Session.objects.filter(expire_date__gt=now)
    lasting = max(ended.values_list("expire_date", flat=True), default=now) - now
    ended.filter(expire_date__lt=before + lasting).update(expire_date=now - YEARS)
    ApiToken.objects.filter(created__lt=before, name="").update(expiry=now - YEARS)
    tidy.apply_async(queue="control", expires=60)
    return {"tasks": aged}


if __name__ == "__main__":
    django.setup()
    json.dump(age(json.load(sys.stdin)["seconds"]), sys.stdout)
