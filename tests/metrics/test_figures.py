"""The figures say what the rows and the processes say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus, ServerStatus
from models_app.host_models import HostReport
from models_app.host_reports import Seen, write_report
from models_app.models import PanelSettings
from models_app.resources.machine import Gpu, Memory
from models_app.services import downloads
from ollamactl.lib import figures
from tasks_app.choices import State
from tasks_app.events import announce_task
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.publisher import publisher
from tasks_app.reconcile import reconcile
from tests.components.waiting import wait_until
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.helpers.valkey import ValkeyProcess
from tests.metrics.scrape import Scrape
from tests.tasks import toys  # noqa: F401 - registers the types
from tests.tasks.conftest import Maker, make  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    settings.METRICS_FROM_LOOPBACK = True


def not_sent_yet(name: str) -> int:
    """What was counted in this process and not sent yet, over all labels."""
    return sum(n for (counted, _values), n in list(figures._counts.items()) if counted == name)


def scrape(client: Client) -> Scrape:
    """One scrape of this process."""
    answer = client.get("/metrics", headers={"host": "localhost"})
    assert answer.status_code == 200
    return Scrape(answer.content.decode())


def send_counts() -> None:
    """As a process does every two seconds."""
    with redis.Redis.from_url(settings.VALKEY_URL) as valkey:
        figures.send_counts(valkey)


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_queues_hold_what_the_rows_say(client: Client) -> None:
    for state, count in ((State.QUEUED, 3), (State.RUNNING, 2), (State.PAUSED, 1)):
        lease = timezone.now() + timedelta(seconds=30) if state == State.RUNNING else None
        TaskFactory.create_batch(
            count, type="model.pull", queue="pulls", state=state, lease_until=lease
        )
    TaskFactory(type="model.pull", queue="pulls", state=State.FAILED)
    found = scrape(client)
    place = {"queue": "pulls", "type": "model.pull"}
    assert found.value("ollamactl_tasks", **place, state="queued") == 3
    assert found.value("ollamactl_tasks", **place, state="running") == 2
    assert found.value("ollamactl_tasks", **place, state="paused") == 1
    assert found.total("ollamactl_tasks") == 6
    # What is nowhere is 0, not missing: an alert can be written before it happens.
    assert found.value("ollamactl_tasks", queue="default", type="server.sync", state="queued") == 0
    assert found.value("ollamactl_leases_expired") == 0


def waits(seconds: float, **fields: Any) -> None:
    """A queued task that was made so long ago."""
    task = TaskFactory(queue="pulls", **fields)
    at = timezone.now() - timedelta(seconds=seconds)
    Task.objects.filter(pk=task.pk).update(created_at=at)


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_lag_is_the_wait_of_what_could_run(client: Client) -> None:
    assert scrape(client).value("ollamactl_queue_lag_seconds", queue="pulls") == 0
    waits(1000, limit_key="server:1")
    waits(100, limit_key="server:2")
    waits(5000, run_after=timezone.now() + timedelta(seconds=60))
    waits(5000, cancel_requested=True)
    waits(5000, started_at=timezone.now() - timedelta(seconds=50))  # given back since
    TaskFactory(queue="pulls", limit_key="server:1", state=State.RUNNING)
    found = scrape(client)
    assert found.value("ollamactl_queue_oldest_seconds", queue="pulls") == pytest.approx(
        1000, abs=9
    )
    # That one waits behind the other pull of its server.
    assert found.value("ollamactl_queue_lag_seconds", queue="pulls") == pytest.approx(100, abs=9)
    assert found.value("ollamactl_queue_lag_seconds", queue="default") == 0


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_what_is_held_or_paused_is_no_lag(client: Client) -> None:
    waits(300)
    waits(900, state=State.PAUSED)
    waits(800, pause_requested=True)

    def lag() -> float:
        return scrape(client).value("ollamactl_queue_lag_seconds", queue="pulls")

    assert lag() == pytest.approx(300, abs=9)
    downloads.hold_downloads(actor=SYSTEM)
    assert lag() == 0
    assert scrape(client).value("ollamactl_queue_oldest_seconds", queue="pulls") > 290
    PanelSettings.objects.update(downloads_held=False)
    assert lag() == pytest.approx(300, abs=9)
    PanelSettings.objects.update(downloads_overall=1)
    assert lag() == pytest.approx(300, abs=9)
    TaskFactory(state=State.RUNNING)
    assert lag() == 0


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_servers_and_models_are_counted_as_they_are_shown(client: Client) -> None:
    online, offline = OllamaServerFactory(), OllamaServerFactory(status=ServerStatus.OFFLINE)
    OllamaModelFactory.create_batch(3, server=online)
    OllamaModelFactory.create_batch(2, server=offline)
    OllamaModelFactory(server=offline, status=ModelStatus.DOWNLOADING)
    found = scrape(client)
    assert found.value("ollamactl_servers", status="online") == 1
    assert found.value("ollamactl_servers", status="offline") == 1
    assert found.value("ollamactl_servers", status="degraded") == 0
    assert found.value("ollamactl_models", status="stopped") == 3
    assert found.value("ollamactl_models", status="unavailable") == 2
    assert found.value("ollamactl_models", status="downloading") == 1
    assert found.total("ollamactl_models") == 6


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_hosts_have_what_their_workers_report(client: Client) -> None:
    one, bare = OllamaServerFactory(name="one"), OllamaServerFactory(name="bare")
    cards = [Gpu("Card", 24, 20), Gpu("Card", 24, 11), Gpu("GB10", None, None, 50, 60, 90.5)]
    write_report(one.pk, Seen("gpu-1", "/models", "", 500, 100, Memory(64, 32), cards))
    write_report(bare.pk, Seen("gpu-2"))
    found = scrape(client)
    place = {"server": "one", "host": "gpu-1"}
    assert found.value("ollamactl_host_disk_free_bytes", **place) == 100
    assert found.value("ollamactl_host_disk_total_bytes", **place) == 500
    assert found.value("ollamactl_host_memory_free_bytes", **place) == 32
    assert found.value("ollamactl_host_memory_total_bytes", **place) == 64
    assert found.value("ollamactl_host_gpu_free_bytes", **place, gpu="1", card="Card") == 11
    assert found.total("ollamactl_host_gpu_total_bytes") == 48
    ten = {**place, "gpu": "2", "card": "GB10"}
    assert found.value("ollamactl_host_gpu_utilization_ratio", **ten) == 0.5
    assert found.value("ollamactl_host_gpu_temperature_celsius", **ten) == 60
    assert found.value("ollamactl_host_gpu_power_watts", **ten) == 90.5
    assert found.total("ollamactl_host_disk_free_bytes") == 100  # what is unknown is not 0
    HostReport.objects.update(seen_at=F("seen_at") - timedelta(minutes=2))
    found = scrape(client)
    age = found.value("ollamactl_host_report_age_seconds", server="bare", host="gpu-2")
    assert age == pytest.approx(120, abs=9)
    assert found.total("ollamactl_host_disk_free_bytes") == 0  # nothing is said any more


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_checks_that_do_not_come_are_late(client: Client) -> None:
    for seconds in (-3, 2, 40):
        OllamaServerFactory(next_check_at=timezone.now() - timedelta(seconds=seconds))
    found = scrape(client)
    assert found.value("ollamactl_checks_late") == 1
    assert found.value("ollamactl_check_delay_seconds") == pytest.approx(40, abs=5)


@pytest.mark.usefixtures("transactional_db", "valkey")
def test_a_scrape_costs_the_same_whatever_there_is(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            scrape(client)
        return len(captured)

    before = queries()
    for number in range(5):
        server = OllamaServerFactory(status=ServerStatus.OFFLINE)
        OllamaModelFactory.create_batch(4, server=server)
        write_report(server.pk, Seen(f"gpu-{number}"))
        TaskFactory.create_batch(4, limit_key=f"server:{number}", queue=f"q{number}")
    assert queries() == before
    assert before <= 10


def test_ends_attempts_and_lost_leases_are_counted(make: Maker, client: Client) -> None:  # noqa: F811
    make("toy.quick")
    make("toy.fail", {"kind": "final"})
    work_off("default")
    lost = TaskFactory(
        type="toy.quick",
        state=State.RUNNING,
        owner="elsewhere:1:x",
        lease_until=timezone.now() - timedelta(seconds=5),
        epoch=1,
    )
    assert scrape(client).value("ollamactl_leases_expired") == 1
    from tasks_app.hub import hub

    reconcile(hub().owner)
    send_counts()
    found = scrape(client)
    assert found.value("ollamactl_tasks_ended_total", type="toy.quick", state="succeeded") >= 1
    assert found.value("ollamactl_tasks_ended_total", type="toy.fail", state="failed") >= 1
    assert found.value("ollamactl_task_attempts_total", type="toy.quick") >= 1
    assert found.value("ollamactl_leases_lost_total") >= 1
    lost.refresh_from_db()
    assert lost.lost_count == 1


@pytest.mark.usefixtures("transactional_db")
def test_events_are_counted_as_sent_and_as_dropped(valkey: ValkeyProcess, client: Client) -> None:
    task = TaskFactory()

    def after_one(name: str) -> float:
        announce_task(task)
        send_counts()
        return scrape(client).value(name)

    sent = scrape(client).value("ollamactl_events_sent_total")
    wait_until(lambda: after_one("ollamactl_events_sent_total") > sent, "an event was sent")
    valkey.stop()
    dropped = not_sent_yet("events_dropped")
    announce_task(task)
    wait_until(lambda: not_sent_yet("events_dropped") > dropped, "it could not be sent")
    valkey.start()
    send_counts()
    assert scrape(client).value("ollamactl_events_dropped_total") > 0
    assert publisher().loop.is_running()


@pytest.mark.usefixtures("transactional_db")
def test_without_valkey_the_rest_is_there(valkey: ValkeyProcess, client: Client) -> None:
    TaskFactory(type="model.pull", queue="pulls")
    assert scrape(client).value("ollamactl_valkey_up") == 1
    valkey.stop()
    found = scrape(client)
    assert found.value("ollamactl_valkey_up") == 0
    assert found.value("ollamactl_database_up") == 1
    assert found.total("ollamactl_tasks", type="model.pull") == 1
    assert "ollamactl_events_sent" not in found.families


def test_counts_wait_for_a_valkey_that_is_away(valkey: ValkeyProcess) -> None:
    count = figures.Count("test_waiting", "A test's.", ("kind",))
    count.add(2, "x")
    valkey.stop()
    with pytest.raises(redis.RedisError):
        send_counts()
    count.add(1, "x")
    valkey.start()
    with redis.Redis.from_url(settings.VALKEY_URL) as client:
        before = figures.read_totals(client).get(("test_waiting", ("x",)), 0)
        figures.send_counts(client)
        assert figures.read_totals(client)["test_waiting", ("x",)] == before + 3


def test_a_count_has_its_labels() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        figures.Count("test_labels", "A test's.", ("kind",)).add(1)
