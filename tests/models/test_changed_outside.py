"""What others do at a real Ollama: found by a sync with both sides, and settled; and versions that
a real registry has by now."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from typing import Any

import pytest
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.batches.selection import Selection
from models_app.models import OllamaModel, SyncConflict
from models_app.services import batches, conflicts, servers, updates
from tasks_app.models import Task
from tests.components.registry import PushedModel, RegistryProcess
from tests.models.backends import Backend

pytestmark = pytest.mark.parametrize("backend", ["real"], indirect=True, ids=["on-the-real-one"])
KB = 1_000


@pytest.fixture
def registry(real_registry: RegistryProcess, settings: Any) -> RegistryProcess:
    """The real registry, which the panel may ask."""
    settings.INSECURE_REGISTRIES = [real_registry.host]
    return real_registry


@pytest.fixture
def pulled(backend: Backend, registry: RegistryProcess) -> list[PushedModel]:
    """Three small models that the panel has pulled."""
    prefix = f"out-{uuid.uuid4().hex[:8]}"
    pushed = [registry.push_random_model(size=50 * KB, name=f"{prefix}-{n}") for n in range(3)]
    for pull in [backend.panel.pull(model.name) for model in pushed]:
        backend.panel.wait(pull.task)
    return pushed


def sync(backend: Backend, policy: str) -> dict[str, Any]:
    # A sync leaves what a task has just changed to the next one.
    ended = Task.objects.filter(finished_at__isnull=False)
    ended.update(finished_at=timezone.now() - dt.timedelta(hours=1))
    task = servers.sync_server(actor=SYSTEM, server=backend.panel.server, on_conflict=policy)
    return dict(backend.panel.wait(task).result or {})


def outside(backend: Backend, pulled: list[PushedModel], copy: str) -> None:
    """Somebody deletes the first, puts the third under the name of the second, and copies it."""
    first, second, third = (model.name for model in pulled)
    backend.ask("DELETE", "/api/delete", {"model": first})
    for name in (second, copy):
        backend.ask("POST", "/api/copy", {"source": third, "destination": name})


def settle(name: str, how: str, backend: Backend) -> None:
    conflict = SyncConflict.objects.get(name=name, state="open")
    task = conflicts.settle_conflict(actor=SYSTEM, conflict=conflict, how=how)
    if task is not None:
        backend.panel.wait(task)


def rows() -> dict[str, str]:
    return dict(OllamaModel.objects.filter(server__name="real").values_list("name", "digest"))


def test_conflicts_have_both_sides_and_are_settled_one_by_one(
    backend: Backend, pulled: list[PushedModel]
) -> None:
    first, second, third = (model.name for model in pulled)
    copy, before = "a-copy:latest", backend.tags()
    outside(backend, pulled, copy)
    result = sync(backend, "report")
    assert {(each["name"], each["kind"]) for each in result["conflicts"]} == {
        (first, "gone"),
        (second, "changed"),
        (copy, "twin"),
    }
    sides = {each["name"]: (each["panel"], each["server"]) for each in result["conflicts"]}
    assert sides[first][0]["digest"] == before[first]
    assert sides[first][1] is None
    assert sides[second][0]["digest"] == before[second]
    assert sides[second][1]["digest"] == backend.tags()[second] == before[third]
    assert third in sides[copy][0]["names"]
    assert rows()[second] == before[second]  # until somebody says who is right

    settle(first, "panel", backend)  # pulled again
    settle(second, "server", backend)  # taken as it is there now
    settle(copy, "panel", backend)  # deleted there
    assert backend.tags() == {**before, second: before[third]} == rows()
    again = sync(backend, "report")
    assert (again["conflicts"], again["unchanged"]) == ([], len(before))
    assert not SyncConflict.objects.filter(state="open").exists()


def test_conflicts_are_settled_by_policy(backend: Backend, pulled: list[PushedModel]) -> None:
    first, second, third = (model.name for model in pulled)
    copy, before = "b-copy:latest", backend.tags()
    outside(backend, pulled, copy)
    sync(backend, "panel")  # pulls its side again, and leaves what others have brought
    for name in (first, second):
        task = backend.model(name).last_task
        assert task is not None
        backend.panel.wait(task)
    assert backend.tags() == {**before, copy: before[third]}
    assert {each["name"] for each in sync(backend, "panel")["conflicts"]} <= {copy}
    settled = SyncConflict.objects.filter(state="settled").values_list("name", "how")
    assert set(settled) == {(first, "panel"), (second, "panel")}

    backend.ask("DELETE", "/api/delete", {"model": first})
    backend.ask("POST", "/api/copy", {"source": third, "destination": second})
    result = sync(backend, "server")  # which is right in all
    assert (result["updated"], result["deleted"], result["conflicts"]) == (1, 1, [])
    assert rows() == backend.tags()
    assert sync(backend, "server")["unchanged"] == len(backend.tags())


def test_a_newer_version_is_seen_without_a_pull(
    backend: Backend, registry: RegistryProcess, pulled: list[PushedModel]
) -> None:
    first, second, third = (model.name for model in pulled)

    def look() -> dict[str, bool | None]:
        backend.panel.wait(updates.check_updates(actor=SYSTEM))
        marks = OllamaModel.objects.filter(name__in=[first, second, third])
        return dict(marks.values_list("name", "outdated"))

    assert look() == {first: False, second: False, third: False}
    before, sent = backend.tags(), registry.blobs.sent
    pushed = registry.push_layers([os.urandom(60 * KB)], name=pulled[1].repository)
    assert pushed.name == second
    assert look() == {first: False, second: True, third: False}
    assert backend.tags() == before  # nothing was pulled for that
    assert registry.blobs.sent == sent

    ids = Selection(ids=[backend.model(name).pk for name in (first, second, third)])
    assert batches.plan_batch(actor=SYSTEM, operation="update", selection=ids).counts() == {
        "total": 3, "will": 1, "nothing": 2, "cannot": 0,
    }  # fmt: skip
    task = batches.start_batch(actor=SYSTEM, operation="update", selection=ids).task
    backend.panel.wait(task)
    assert backend.tags() == {**before, second: pushed.digest}
    assert look() == {first: False, second: False, third: False}
