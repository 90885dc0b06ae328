"""Which models have a newer version: asked of registries, marked in rows, and done as a batch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.batches.selection import Selection
from models_app.models import OllamaModel, OllamaServer
from models_app.services import batches, servers, updates
from ollamactl.simulator.running import RunningSimulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tests.models.conftest import MB, Panel


def look(panel: Panel) -> Task:
    task = updates.check_updates(actor=SYSTEM)
    work_off("default")
    return panel.wait(task)


def marks() -> dict[str, bool | None]:
    return dict(OllamaModel.objects.values_list("name", "outdated"))


@pytest.fixture
def installed(panel: Panel, simulator: RunningSimulator) -> None:
    """Three models; of one the registry has another version by now, of one it has none."""
    for name in ("new", "old", "gone"):
        simulator.control.publish(name, MB)
    simulator.control.install("new", "old", "gone")
    servers.sync_server(actor=SYSTEM, server=panel.server)
    work_off("default")
    simulator.control.publish("old", 2 * MB)
    OllamaModel.objects.filter(name="gone:latest").update(
        name="never:latest", key="registry.ollama.ai/library/never:latest"
    )


@pytest.mark.usefixtures("installed")
def test_what_is_outdated_is_marked_and_updated(panel: Panel) -> None:
    task = look(panel)
    assert task.result == {"checked": 3, "unknown": 1, "changed": 2, "outdated": 1}
    assert marks() == {"new:latest": False, "old:latest": True, "never:latest": None}
    known = updates.known_updates()
    assert (known.outdated, known.up_to_date, known.unknown) == (1, 1, 1)
    assert known.checked_at is not None

    ids = Selection(
        ids=list(OllamaModel.objects.exclude(name="never:latest").values_list("pk", flat=True))
    )
    plan = batches.plan_batch(actor=SYSTEM, operation="update", selection=ids)
    assert plan.counts() == {"total": 2, "will": 1, "nothing": 1, "cannot": 0}
    batch = batches.start_batch(actor=SYSTEM, operation="update", selection=ids).task
    for queue in ("default", "pulls"):
        work_off(queue)
    panel.wait(batch)
    assert marks()["old:latest"] is False


@pytest.mark.usefixtures("installed")
def test_another_version_is_of_an_unknown_age(panel: Panel, simulator: RunningSimulator) -> None:
    look(panel)
    simulator.control.install("old")  # by somebody else, on the server itself
    servers.sync_server(actor=SYSTEM, server=panel.server)
    work_off("default")
    assert marks()["old:latest"] is None


def test_one_look_at_a_time(panel: Panel) -> None:
    first = updates.check_updates(actor=SYSTEM)
    assert updates.check_updates(actor=SYSTEM).pk == first.pk
    work_off("default")


def test_it_comes_round_as_the_settings_say(panel: Panel, settings: Any) -> None:
    def looks() -> int:
        updates.check_updates_when_due()
        return Task.objects.filter(type=updates.TYPE).count()

    settings.UPDATES_EVERY = None
    assert looks() == 0
    settings.UPDATES_EVERY = dt.timedelta(hours=1)
    assert looks() == 0  # the first server has just been added
    OllamaServer.objects.update(created_at=timezone.now() - dt.timedelta(hours=2))
    assert looks() == 1
    work_off("default")
    assert looks() == 1
    Task.objects.filter(type=updates.TYPE).update(created_at=timezone.now() - dt.timedelta(hours=2))
    assert looks() == 2
    work_off("default")


def test_a_sync_comes_round_too(panel: Panel, settings: Any) -> None:
    settings.SYNC_EVERY = dt.timedelta(hours=1)
    servers.sync_when_due()
    assert not Task.objects.exists()  # never synced: that comes when it is seen
    OllamaServer.objects.update(synced_at=timezone.now() - dt.timedelta(hours=2))
    servers.sync_when_due()
    servers.sync_when_due()
    assert Task.objects.filter(type="server.sync").count() == 1
    work_off("default")
    servers.sync_when_due()
    assert Task.objects.count() == 1
