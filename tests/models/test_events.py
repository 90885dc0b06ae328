"""What subscribers hear of servers and models, and that everybody hears the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override

from audit_app.actors import SYSTEM
from models_app import checks
from models_app.models import OllamaServer
from models_app.services import downloads, lifecycle, servers
from models_app.services.panel_settings import update_settings
from ollamactl.simulator.running import RunningSimulator
from tasks_app.execution import work_off
from tasks_app.live import parse_topic
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB, Panel
from tests.tasks.ear import Ear


def statuses(ear: Ear, subject: str) -> list[str]:
    """The statuses that were heard of a subject, without repetitions in a row."""
    ear.listen()
    heard: list[str] = []
    for event in ear.events:
        status = event["data"].get("status")
        if event["subject"] == subject and status and heard[-1:] != [status]:
            heard.append(status)
    return heard


@pytest.fixture
def ear(panel: Panel, valkey: ValkeyProcess) -> Any:
    hearing = Ear(valkey.url)
    yield hearing
    hearing.close()


def test_a_models_life_is_heard(panel: Panel, simulator: RunningSimulator, ear: Ear) -> None:
    simulator.control.publish("heard", MB)
    pull = panel.pull("heard")
    subject = f"model:{pull.model.pk}"
    work_off("pulls")
    lifecycle.start_model(actor=SYSTEM, model=panel.model("heard"))
    work_off("default")
    lifecycle.stop_model(actor=SYSTEM, model=panel.model("heard"))
    work_off("default")
    lifecycle.delete_model(actor=SYSTEM, model=panel.model("heard"))
    work_off("default")
    ear.wait_for("model.removed", id=pull.model.pk, server=panel.server.pk)
    assert statuses(ear, subject) == [
        "waiting",
        "downloading",
        "stopped",
        "starting",
        "running",
        "stopping",
        "stopped",
        "deleting",
    ]
    events = [event for event in ear.events if event["subject"] == subject]
    versions = [event["seq"] for event in events]
    assert versions == sorted(set(versions))
    assert {topic for event in events for topic in event["topics"]} == {"models", subject}


def test_events_are_english_whoever_causes_them(
    panel: Panel, simulator: RunningSimulator, ear: Ear
) -> None:
    simulator.control.publish("heard", MB)
    pull = panel.pull("heard")
    with override("zh-hans"):
        lifecycle.cancel_work(actor=SYSTEM, model=pull.model)
    heard = ear.wait_for("model.changed", id=pull.model.pk, status="error")
    assert heard["data"]["message"] == "Cancelled."


def test_a_servers_change_is_heard_where_its_models_are(
    panel: Panel, simulator: RunningSimulator, ear: Ear
) -> None:
    simulator.stop()
    checks.check_servers([panel.server])
    heard = ear.wait_for("server.changed", id=panel.server.pk, status="offline")
    assert set(heard["topics"]) == {"servers", f"server:{panel.server.pk}", "models"}
    assert "Check that Ollama runs there" in heard["data"]["message"]
    checks.check_servers([panel.server])
    assert statuses(ear, f"server:{panel.server.pk}") == ["offline"]  # said once
    servers.remove_server(actor=SYSTEM, server=panel.server)
    ear.wait_for("server.removed", id=panel.server.pk)


def test_the_queue_says_that_it_is_held(panel: Panel, ear: Ear) -> None:
    downloads.hold_downloads(actor=SYSTEM)
    heard = ear.wait_for("downloads.changed", held=True)
    assert heard["topics"] == ["tasks"]
    downloads.let_downloads_go_on(actor=SYSTEM)
    after = ear.wait_for("downloads.changed", held=False)
    assert after["seq"] >= heard["seq"]
    update_settings(actor=SYSTEM, downloads_per_server=7)
    ear.wait_for("downloads.changed", per_server=7)


def test_snapshots_say_what_events_say(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("seen", MB)
    pull = panel.pull("seen")
    OllamaServer.objects.update(status="offline")
    names = {"models": "models", "servers": "servers"}
    for topic, key in names.items():
        kind, number = parse_topic(topic)
        rows = (kind.snapshot(number) or {})[key]
        one, number = parse_topic(f"{topic[:-1]}:{rows[0]['id']}")
        assert one.snapshot(number) == rows[0]
        assert rows[0]["seq"] >= 0
    kind, number = parse_topic(f"model:{pull.model.pk}")
    seen = kind.snapshot(number)
    assert seen is not None
    assert (seen["name"], seen["status"]) == ("seen:latest", "waiting")
    kind, number = parse_topic("model:999999")
    assert kind.snapshot(number) is None
