"""Syncs of many servers together: what is new is added, and all else is left to a task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app import checks
from models_app.choices import ModelStatus
from models_app.conflict_models import ConflictKind, SyncConflict
from models_app.list_turns import list_turns
from models_app.looking import LIST_SECONDS, read_lists
from models_app.models import Benchmark, OllamaModel, OllamaServer
from models_app.ollama.list_digest import list_digest
from models_app.services import servers
from models_app.services.plain_syncs import Listed, Outcome, sync_plainly
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.models import Task
from tasks_app.runners import Stopped
from tasks_app.services import cancel_task
from tests.components.waiting import wait_until
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.models.conftest import Panel, row_of
from tests.models.test_sync import DIGESTS, listing, loaded

pytestmark = pytest.mark.django_db

Names = dict[str, str]


def listed(server: OllamaServer, names: Names, **more: Any) -> Listed:
    found = listing(names, **more)
    return Listed(server, found, list_digest(found.tags))


def names_on(server: OllamaServer) -> set[str]:
    return set(server.models.values_list("name", flat=True))


def test_what_is_new_on_each_is_added() -> None:
    one, two = OllamaServerFactory.create_batch(2)
    OllamaModelFactory(server=two, name="a:latest", digest=DIGESTS[0], size=1000)
    was = timezone.now()
    told: list[Outcome] = []
    outcome = sync_plainly(
        [
            listed(
                one,
                {"a:latest": DIGESTS[0], "b:7b": DIGESTS[1]},
                running=[loaded("b:7b", DIGESTS[1])],
            ),
            listed(two, {}),
        ],
        along=told.append,
    )
    assert outcome.done.keys() == {one.pk}
    assert [each.server.pk for each in outcome.left] == [two.pk]  # one of its models is gone
    assert outcome.done[one.pk].as_json()["added"] == 2
    assert told == [outcome]
    rows = dict(one.models.values_list("name", "status"))
    assert rows == {"a:latest": ModelStatus.STOPPED, "b:7b": ModelStatus.RUNNING}
    one.refresh_from_db()
    assert one.tags_hash == list_digest(listing({"a:latest": "a" * 64, "b:7b": "b" * 64}).tags)
    assert one.synced_at is not None
    assert one.synced_at >= was
    again = sync_plainly([listed(one, dict.fromkeys(["a:latest", "b:7b"], ""), running=[])])
    assert again.done == {}  # other digests, and none in memory: that is not plain


def test_where_nothing_is_new_nothing_is_written_but_when() -> None:
    server = OllamaServerFactory()
    names = {"a:latest": DIGESTS[0], "b:7b": DIGESTS[1]}
    sync_plainly([listed(server, names)])
    versions = set(server.models.values_list("pk", "seq"))
    outcome = sync_plainly([listed(server, names)])
    assert outcome.done[server.pk].as_json()["unchanged"] == 2
    assert set(server.models.values_list("pk", "seq")) == versions


def test_many_servers_cost_as_many_statements_as_one() -> None:
    def statements(count: int) -> int:
        found = [
            listed(each, {"a:latest": "a"}) for each in OllamaServerFactory.create_batch(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert len(sync_plainly(found).done) == count
        return len(captured)

    assert statements(1) == statements(40)


def test_long_lists_are_written_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.services.plain_syncs.TOGETHER", 3)
    found = [
        listed(each, {"a:latest": "a", "b:7b": "b"}) for each in OllamaServerFactory.create_batch(3)
    ]
    told: list[Outcome] = []
    outcome = sync_plainly(found, along=told.append)
    assert [len(each.done) for each in told] == [1, 1, 1]
    assert len(outcome.done) == 3


def _row_differs(server: OllamaServer) -> None:
    OllamaModelFactory(server=server, name="old:1", digest=DIGESTS[1])


def _conflict_is_noted(server: OllamaServer) -> None:
    SyncConflict.objects.create(server=server, name="x", key="x", kind=ConflictKind.GONE)


def _sync_waits(server: OllamaServer) -> None:
    servers.sync_server(actor=SYSTEM, server=server)


def _past_waits(server: OllamaServer) -> None:
    Benchmark.objects.create(
        past_server=server, past_key="x", first_token_seconds=1.0, token_rate=1.0, tokens=1
    )


def _people_are_asked(server: OllamaServer) -> None:
    OllamaServer.objects.filter(pk=server.pk).update(on_conflict="report", synced_at=timezone.now())


def _deleted_a_moment_ago(server: OllamaServer) -> None:
    TaskFactory(
        type="model.delete",
        state="succeeded",
        resource_name="new:latest",
        finished_at=timezone.now(),
    )


def _made_now(server: OllamaServer) -> None:
    model = OllamaModelFactory(server=server, name="new:latest", digest=DIGESTS[0], size=1000)
    TaskFactory(type="model.recreate", state="running", resource_id=model.pk)


@pytest.mark.parametrize(
    "given",
    [
        _row_differs,
        _conflict_is_noted,
        _sync_waits,
        _past_waits,
        _people_are_asked,
        _deleted_a_moment_ago,
        _made_now,
    ],
)
def test_what_is_not_plain_is_left(given: Callable[[OllamaServer], None]) -> None:
    server = OllamaServerFactory()
    given(server)
    server.refresh_from_db()
    before = names_on(server)
    outcome = sync_plainly([listed(server, {"new:latest": DIGESTS[0]})])
    assert (outcome.done, len(outcome.left)) == ({}, 1)
    assert names_on(server) == before


def test_what_was_asked_for_outweighs_the_servers_own_setting() -> None:
    server = OllamaServerFactory(on_conflict="report", synced_at=timezone.now())
    found = listed(server, {"new:latest": DIGESTS[0]})
    assert sync_plainly([found], on_conflict="server").done
    other = OllamaServerFactory(synced_at=timezone.now())
    assert sync_plainly([listed(other, {"new:latest": ""})], on_conflict="panel").left


def test_one_of_another_address_by_now_is_dropped() -> None:
    server = OllamaServerFactory()
    found = listed(server, {"new:latest": DIGESTS[0]})
    OllamaServer.objects.update(base_url="http://127.0.0.1:9")
    outcome = sync_plainly([found])
    assert (outcome.done, outcome.left) == ({}, [])
    assert not OllamaModel.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_name_that_somebody_was_faster_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def collide(*_args: Any) -> None:
        raise IntegrityError

    server = OllamaServerFactory()
    monkeypatch.setattr("models_app.services.plain_syncs.insert_values", collide)
    outcome = sync_plainly([listed(server, {"new:latest": DIGESTS[0]})])
    assert (outcome.done, len(outcome.left)) == ({}, 1)


@pytest.mark.django_db(transaction=True)
def test_a_long_list_is_a_task(
    simulator: RunningSimulator, valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_app.looking.MOST_LISTED", 1)
    server = row_of(simulator)
    simulator.control.install("all-minilm", "smollm2:135m")
    checks.read_due_lists()
    assert Task.objects.get().resource_id == server.pk
    assert not OllamaModel.objects.exists()


@pytest.mark.usefixtures("engine")
def test_a_sync_of_all_has_a_part_for_each_server(
    panel: Panel, simulator: RunningSimulator
) -> None:
    simulator.control.install("all-minilm", "smollm2:135m")
    with running_simulator() as second:
        OllamaModelFactory(server=row_of(second, "other"), name="gone:1")
        parent = panel.wait(servers.sync_all(actor=SYSTEM))
        again = panel.wait(servers.sync_all(actor=SYSTEM))
    assert parent.result == {"total": 2, "succeeded": 2, "failed": 0, "cancelled": 0}
    parts = {part.resource_name: part for part in parent.children.all()}
    assert parts.keys() == {"sim", "other"}
    assert (parts["sim"].result or {})["added"] == 2
    assert (parts["other"].result or {})["deleted"] == 1  # by a task of its own
    for part in parts.values():
        assert part.started_at is not None
        assert part.finished_at is not None
        assert part.attempt == 1
    assert again.children.count() == 2


@pytest.mark.usefixtures("engine")
def test_a_cancelled_sync_of_all_waits_for_no_list(
    panel: Panel, simulator: RunningSimulator
) -> None:
    """One list never comes: its question is dropped, and says nothing against that server."""
    simulator.control.fault(kind="hang", endpoint="/api/tags")
    task = servers.sync_all(actor=SYSTEM)
    wait_until(lambda: panel.server.pk in list_turns.left_out(), "the list is asked for")
    begun = time.monotonic()
    cancel_task(actor=SYSTEM, task=task)
    panel.wait(task, "cancelled")
    assert time.monotonic() - begun < LIST_SECONDS / 4
    assert panel.server.pk not in list_turns.left_out()


def test_who_listens_no_more_leaves_no_question_behind(server: OllamaServer) -> None:
    """Not even one that was not put yet."""
    listening = read_lists([server], check=_refuse)
    with pytest.raises(Stopped):
        next(listening)
    assert server.pk not in list_turns.left_out()


def _refuse() -> None:
    raise Stopped
