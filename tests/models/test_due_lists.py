"""Which lists of models are read, and when."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from models_app import checks
from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from tasks_app.choices import State
from tasks_app.models import Task
from tests.factories import TaskFactory


@pytest.mark.django_db
def test_lists_that_were_read_together_are_not_all_read_again_together() -> None:
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    OllamaServer.objects.all().delete()
    OllamaServer.objects.bulk_create(
        OllamaServer(
            name=f"s{number}",
            base_url=f"http://127.0.0.1:9/{number}",
            status="online",
            tags_seen_at=None if number < 60 else long_ago,
        )
        for number in range(160)
    )
    first = checks._claim_lists()
    assert sum(server.tags_seen_at is None for server in first) == 60
    assert len(first) == 60 + checks.LEAST_LISTS
    again = [server.pk for server in checks._claim_lists()]
    assert len(again) == checks.LEAST_LISTS
    assert not {server.pk for server in first} & set(again)


@pytest.mark.django_db
def test_a_list_is_not_read_beside_a_sync_that_reads_it(server: OllamaServer) -> None:
    OllamaServer.objects.update(tags_seen_at=None, status=ServerStatus.ONLINE)
    sync = TaskFactory(
        type="server.sync", resource_type="server", resource_id=server.pk, state=State.RUNNING
    )
    TaskFactory(type="servers.sync", resource_type="", resource_id=None, state=State.RUNNING)
    assert checks._claim_lists() == []
    Task.objects.filter(pk=sync.pk).update(state=State.SUCCEEDED, finished_at=timezone.now())
    assert [each.pk for each in checks._claim_lists()] == [server.pk]
