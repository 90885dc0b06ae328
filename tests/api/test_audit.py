"""The audit in the API: who did what, for those who may know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from audit_app.services import record_action
from tests.factories import UserFactory, actor_of

AUDIT = "/api/v1/audit/"


@pytest.fixture
def records(db: None) -> list[AuditRecord]:
    AuditRecord.objects.all().delete()
    ada = actor_of(UserFactory(username="ada", pk=500))
    records = [
        record_action(
            actor=ada,
            verb="model.pull",
            resource_type="model",
            resource_id=7,
            resource_name="llama3.2:latest",
            data={"server": "Lab", "token": "s3cret"},
        ),
        record_action(actor=SYSTEM, verb="server.add", resource_type="server", resource_id=1),
    ]
    for day, record in enumerate(records, start=1):
        AuditRecord.objects.filter(pk=record.pk).update(at=datetime(2025, 1, day, tzinfo=UTC))
    return records


def test_a_record_is_shown_without_secrets(
    administrator: APIClient, records: list[AuditRecord]
) -> None:
    data = administrator.get(f"{AUDIT}{records[0].pk}/").data
    assert data == {
        "id": records[0].pk,
        "at": "2025-01-01T00:00:00.000000Z",
        "user": 500,
        "user_name": "ada",
        "origin": "api",
        "address": None,
        "verb": "model.pull",
        "outcome": "done",
        "resource_type": "model",
        "resource_id": 7,
        "resource_name": "llama3.2:latest",
        "data": {"server": "Lab", "token": "•••"},
    }


@pytest.mark.parametrize(
    ("query", "verbs"),
    [
        ("", ["server.add", "model.pull"]),
        ("search=LLAMA", ["model.pull"]),
        ("user=500", ["model.pull"]),
        ("user_name=ada", ["model.pull"]),
        ("origin=system", ["server.add"]),
        ("verb=server.add", ["server.add"]),
        ("outcome=refused", []),
        ("resource_type=model&resource_id=7", ["model.pull"]),
        ("after=2025-01-02", ["server.add"]),
        ("before=2025-01-01T12:00:00Z", ["model.pull"]),
        ("ordering=at", ["model.pull", "server.add"]),
    ],
)
@pytest.mark.usefixtures("records")
def test_the_list_is_filtered(administrator: APIClient, query: str, verbs: list[str]) -> None:
    day = "" if "before" in query else "&before=2025-02-01"
    answer = administrator.get(f"{AUDIT}?{query}{day}")
    assert answer.status_code == 200, answer.data
    assert [row["verb"] for row in answer.data["results"]] == verbs


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_it(
    administrator: APIClient, records: list[AuditRecord], method: str
) -> None:
    assert getattr(administrator, method)(AUDIT).status_code == 405
    assert getattr(administrator, method)(f"{AUDIT}{records[0].pk}/").status_code == 405
    assert AuditRecord.objects.filter(pk=records[0].pk).exists()
