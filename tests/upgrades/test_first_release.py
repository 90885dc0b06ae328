"""A home of the first release, with work under way, goes on under this one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.fixtures import NewPanel
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.upgrades.conftest import KEPT, Restore, ask

MODELS = ("flown", "waiting", "resting", "failed")


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """The server of the release, with its registry."""
    with running_simulator(speed=100e6) as running:
        for name in ("done", *MODELS):
            running.control.publish(name, 40_000_000)
        running.control.install("done")
        yield running


def start(new_panel: NewPanel, simulator: RunningSimulator) -> PanelProcess:
    return new_panel(
        OLLAMACTL_LANGUAGE="en",
        OLLAMACTL_OLLAMA_URL=simulator.url,
        OLLAMACTL_INSECURE_REGISTRIES=simulator.registry_url.removeprefix("http://"),
        OLLAMACTL_KEEP_BACKUPS="2",
        **KEPT,
    )


def backups_of(panel: PanelProcess) -> list[Path]:
    return sorted((panel.home / "backups").glob("*"))


def state_of(api: Api, task: int) -> str:
    return str(api.get(f"tasks/{task}/")["state"])


def test_everything_is_there_and_what_was_under_way_ends(
    new_panel: NewPanel, simulator: RunningSimulator, restore_first_release: Restore
) -> None:
    panel = start(new_panel, simulator)
    facts = restore_first_release(panel.home, simulator.url)
    tasks: dict[str, int] = facts["tasks"]
    panel.start()
    with Api(panel, facts["token"]) as api:
        assert api.get("me/")["user"]["username"] == "olga"
        for name in ("queued", "running", "parent"):
            ended = api.wait_for_task(tasks[name])
            assert ended["state"] == "succeeded", ended
        assert api.get(f"tasks/{tasks['running']}/")["attempt"] == 1
        assert (state_of(api, tasks["succeeded"]), state_of(api, tasks["failed"])) == (
            *("succeeded", "failed"),
        )
        log = api.call("GET", f"tasks/{tasks['succeeded']}/log/").text
        assert "Succeeded." in log
        assert state_of(api, tasks["paused"]) == "paused"
        api.post(f"tasks/{tasks['paused']}/resume/")
        api.post(f"tasks/{tasks['failed']}/retry/")
        for name in ("paused", "failed"):
            ended = api.wait_for_task(tasks[name])
            assert ended["state"] == "succeeded", ended
        for name in MODELS:
            model = api.model(name)
            assert model is not None
            assert model["digest"], model
            assert simulator.control.pulls(f"{name}:latest")["succeeded"] == 1
    assert ask(panel.home, "OllamaServer.objects.get(name='workstation').credentials") == {
        "token": facts["secret"]
    }
    verbs = ask(panel.home, "list(AuditRecord.objects.values_list('verb', flat=True))")
    assert {"server.add", "model.pull", "model.start", "task.pause"} <= set(verbs)
    wait_until(lambda: ask(panel.home, "broken_rules()") == [], "no rule is broken")


def test_the_copy_made_before_is_the_old_database_and_can_be_put_back(
    new_panel: NewPanel, simulator: RunningSimulator, restore_first_release: Restore
) -> None:
    panel = start(new_panel, simulator)
    facts = restore_first_release(panel.home, simulator.url)
    panel.start()
    (backup,) = backups_of(panel)
    assert str(backup) in panel.output
    assert applied(backup) < applied(panel.home / "ollamactl.sqlite3")
    with closing(sqlite3.connect(backup)) as copy:
        states: dict[str, Any] = dict(copy.execute("SELECT id, state FROM tasks_app_task"))
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert states[facts["tasks"]["queued"]] == "queued"
    assert states[facts["tasks"]["running"]] == "running"
    with Api(panel, facts["token"]) as api:
        assert api.wait_for_task(facts["tasks"]["queued"])["state"] == "succeeded"
    panel.stop()

    for name in ("ollamactl.sqlite3", "ollamactl.sqlite3-wal", "ollamactl.sqlite3-shm"):
        (panel.home / name).unlink(missing_ok=True)
    shutil.copy(backup, panel.home / "ollamactl.sqlite3")
    panel.start()
    assert len(backups_of(panel)) == 2
    with Api(panel, facts["token"]) as api:
        assert api.wait_for_task(facts["tasks"]["queued"])["state"] == "succeeded"
        assert state_of(api, facts["tasks"]["paused"]) == "paused"


def applied(database: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return set(connection.execute("SELECT app, name FROM django_migrations"))
