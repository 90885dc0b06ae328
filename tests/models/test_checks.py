"""The status of servers is true, and one that hangs keeps nobody waiting."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app import checks
from models_app.choices import ModelStatus, ServerStatus
from models_app.events import live_status
from models_app.list_turns import list_turns
from models_app.looking import Finding
from models_app.models import OllamaModel, OllamaServer
from models_app.services import servers
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tests.components.loopback import PLAIN
from tests.components.waiting import wait_until
from tests.models.conftest import row_of

Simulator = RunningSimulator


@pytest.fixture(autouse=True)
def with_valkey(valkey: Any) -> None:
    pass


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def look(server: OllamaServer) -> OllamaServer:
    """The server after one check."""
    checks.check_servers([server])
    checks.read_due_lists()
    server.refresh_from_db()
    return server


def make_due() -> None:
    OllamaServer.objects.update(next_check_at=None)


def test_one_that_answers(server: OllamaServer) -> None:
    OllamaServer.objects.update(status=ServerStatus.UNKNOWN, version="")
    found = look(server)
    assert (found.status, found.version) == (ServerStatus.ONLINE, "0.24.0-simulated")
    assert (found.reason, str(found.message), found.failures) == ("", "", 0)
    assert found.latency_ms is not None
    assert found.latency_ms > 0
    assert found.last_seen_at is not None
    assert found.next_check_at is not None


@pytest.mark.parametrize(
    ("fault", "status", "reason", "words"),
    [
        ({"kind": "http_503"}, "degraded", "busy", "Try again in a moment"),
        ({"kind": "http_500_empty"}, "degraded", "server_error", "does not say why"),
        ({"kind": "http_500_empty", "endpoint": "/api/ps"}, "degraded", "server_error", "sim"),
        ({"kind": "html"}, "offline", "not_ollama", "A web page answers"),
        ({"kind": "http_error", "status": 401}, "unauthorized", "unauthorized", "credentials"),
        ({"kind": "hang"}, "offline", "timeout", "No answer within"),
        ({"kind": "slow", "seconds": 0.3, "endpoint": "/api/version"}, "degraded", "slow", "more"),
    ],
)
def test_one_that_does_not_do_well_and_comes_back(
    server: OllamaServer,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    status: str,
    reason: str,
    words: str,
) -> None:
    monkeypatch.setattr("models_app.looking.SECONDS", 1.0)
    monkeypatch.setattr("models_app.looking.SLOW_MS", 200.0)
    model = OllamaModel.objects.create(
        server=server, name="m:latest", key="k", source="library", status="stopped", digest="a" * 64
    )
    simulator.control.fault(**fault)
    found = look(server)
    assert (found.status, found.reason) == (status, reason)
    assert words in str(found.message)
    assert "<" not in str(found.message)  # nothing of a foreign page

    def shown() -> str:
        return live_status(OllamaModel.objects.for_display().get(pk=model.pk))

    gone = status in ("offline", "unauthorized")
    assert shown() == ("unavailable" if gone else "stopped")
    simulator.control.clear()
    found = look(server)
    assert (found.status, found.reason, str(found.message)) == ("online", "", "")
    assert shown() == "stopped"


def test_one_that_is_down(server: OllamaServer, simulator: Simulator) -> None:
    simulator.stop()
    found = look(server)
    assert (found.status, found.reason, found.failures) == ("offline", "unreachable", 1)
    assert found.last_seen_at is None
    assert look(server).failures == 2
    simulator.start()
    assert look(server).status == "online"


def test_one_that_hangs_does_not_keep_the_others_waiting(
    transactional_db: None, simulator: Simulator, silent_url: str
) -> None:
    for number in range(5):
        OllamaServer.objects.create(name=f"silent{number}", base_url=f"{silent_url}/{number}")
    fast = row_of(simulator, status=ServerStatus.UNKNOWN)
    begun = time.monotonic()
    looking = threading.Thread(target=checks.check_due, daemon=True)
    looking.start()

    def seen() -> bool:
        fast.refresh_from_db()
        return fast.status == ServerStatus.ONLINE

    wait_until(seen, "the fast one is online")
    assert time.monotonic() - begun < 2.5  # the silent ones have 3 s
    assert checks.check_due() == 0  # all are claimed: nothing piles up
    looking.join(15)
    assert not looking.is_alive()
    statuses = OllamaServer.objects.exclude(pk=fast.pk).values_list("status", "reason")
    assert set(statuses) == {("offline", "timeout")}


def test_a_check_is_claimed_and_due_again(server: OllamaServer, settings: Any) -> None:
    settings.CHECK_INTERVAL = 5.0
    assert checks.check_due() == 1
    assert checks.check_due() == 0
    server.refresh_from_db()
    assert server.checked_at is not None
    assert server.next_check_at == server.checked_at + dt.timedelta(seconds=5)
    OllamaServer.objects.update(next_check_at=timezone.now() - dt.timedelta(milliseconds=1))
    assert checks.check_due() == 1


def test_a_thousand_servers_are_claimed_in_parts(
    db: None, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    OllamaServer.objects.bulk_create(
        OllamaServer(name=f"s{number}", base_url=f"{simulator.url}/{number}")
        for number in range(1000)
    )
    claimed: list[int] = []
    monkeypatch.setattr(
        checks, "check_servers", lambda servers: claimed.extend(s.pk for s in servers)
    )
    counts = [checks.check_due() for _ in range(6)]
    assert counts == [200] * 5 + [0]
    assert len(set(claimed)) == 1000


def test_an_older_result_is_dropped(server: OllamaServer) -> None:
    now = timezone.now()
    later = Finding(server, now, ServerStatus.ONLINE, version="2")
    earlier = Finding(server, now - dt.timedelta(seconds=2), ServerStatus.OFFLINE, "timeout")
    checks.write_findings([later])
    checks.write_findings([earlier])
    server.refresh_from_db()
    assert (server.status, server.version) == (ServerStatus.ONLINE, "2")


@pytest.mark.django_db
def test_where_nothing_has_changed_a_hundred_cost_as_much_as_one(
    django_assert_max_num_queries: Any,
) -> None:
    made = [
        OllamaServer(name=f"s{number}", base_url=f"http://127.0.0.1:9/{number}", status="online")
        for number in range(100)
    ]
    OllamaServer.objects.bulk_create(made)
    now = timezone.now()
    found = [Finding(each, now, ServerStatus.ONLINE, latency_ms=1.5, loaded=[]) for each in made]
    with django_assert_max_num_queries(8):
        checks.write_findings(found)
    for row in OllamaServer.objects.filter(name__startswith="s"):
        assert (row.status, row.latency_ms, row.checked_at, row.seq) == ("online", 1.5, now, 0)
        assert row.next_check_at == now + dt.timedelta(seconds=5)


@pytest.mark.django_db
def test_of_many_servers_each_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MANY", 2)
    made = [
        OllamaServer(name=f"s{number}", base_url=f"http://127.0.0.1:9/{number}", status="online")
        for number in range(10)
    ]
    OllamaServer.objects.bulk_create(made)
    now = timezone.now()
    checks.write_findings([Finding(made[0], now, ServerStatus.ONLINE, loaded=[])])
    row = OllamaServer.objects.get(pk=made[0].pk)
    assert row.next_check_at == now + dt.timedelta(seconds=7.5)


@pytest.mark.django_db
@pytest.mark.parametrize(("again", "times"), [(60.0, 2), (0.0, 3)])
def test_lists_that_come_to_be_awaited_are_sent_for_together(
    monkeypatch: pytest.MonkeyPatch, again: float, times: int
) -> None:
    made = [
        OllamaServer.objects.create(name=f"s{number}", base_url=f"http://127.0.0.1:9/{number}")
        for number in range(3)
    ]
    now = timezone.now()
    found = [[Finding(each, now, ServerStatus.ONLINE, loaded=[])] for each in made]
    sent: list[None] = []
    monkeypatch.setattr(checks, "look_at", lambda *_asked, **_how: iter(found))
    monkeypatch.setattr(checks, "read_soon", lambda: sent.append(None))
    monkeypatch.setattr(checks, "SOON_AGAIN", again)
    checks.check_servers(made)
    assert len(sent) == times  # at the first, and at the end for all others
    OllamaServer.objects.update(tags_seen_at=now)
    checks.check_servers(list(OllamaServer.objects.all()))
    assert len(sent) == times  # nobody waits for one


def test_a_result_of_another_address_is_dropped(server: OllamaServer) -> None:
    finding = Finding(server, timezone.now(), ServerStatus.ONLINE, version="2")
    servers.update_server(actor=SYSTEM, server=server, base_url="http://127.0.0.1:9")
    checks.write_findings([finding])
    server.refresh_from_db()
    assert (server.status, server.version, server.next_check_at) == ("unknown", "", None)


def test_what_one_that_comes_online_has_is_there_without_a_task(
    server: OllamaServer, simulator: Simulator
) -> None:
    OllamaServer.objects.update(status=ServerStatus.UNKNOWN)
    simulator.control.install("all-minilm", "smollm2:135m")
    found = look(server)
    assert found.synced_at is not None
    names = set(OllamaModel.objects.values_list("name", flat=True))
    assert names == {"all-minilm:latest", "smollm2:135m"}
    look(server)
    assert not Task.objects.exists()


def test_one_that_comes_and_does_not_say_what_it_has_is_said_not_to(
    server: OllamaServer, simulator: Simulator
) -> None:
    OllamaServer.objects.update(status=ServerStatus.UNKNOWN)
    simulator.control.fault(kind="http_500_empty", endpoint="/api/tags")
    look(server)
    task = Task.objects.get()
    assert (task.type, task.resource_id) == ("server.sync", server.pk)
    Task.objects.update(state="failed")
    list_turns.forget(server.pk)
    OllamaServer.objects.update(tags_seen_at=None)
    look(server)
    assert Task.objects.count() == 1  # once is enough


def test_a_change_of_the_list_is_seen_and_synced(
    transactional_db: None, simulator: Simulator
) -> None:
    server = row_of(simulator)
    look(server)  # the first list of a server that was online already
    work_off("default")
    server.refresh_from_db()
    assert server.tags_hash
    simulator.control.install("all-minilm")
    OllamaServer.objects.update(tags_seen_at=timezone.now() - dt.timedelta(seconds=61))
    server.refresh_from_db()
    look(server)
    assert OllamaModel.objects.get().name == "all-minilm:latest"
    simulator.control.remove("all-minilm")
    simulator.control.install("smollm2:135m")
    OllamaServer.objects.update(tags_seen_at=timezone.now() - dt.timedelta(seconds=61))
    server.refresh_from_db()
    look(server)
    assert work_off("default") == 1  # what is gone is for a task to settle
    assert OllamaModel.objects.get().name == "smollm2:135m"
    OllamaServer.objects.update(tags_seen_at=timezone.now() - dt.timedelta(seconds=61))
    server.refresh_from_db()
    look(server)
    assert work_off("default") == 0  # nothing new


def test_rows_follow_what_is_loaded_outside(transactional_db: None, simulator: Simulator) -> None:
    import httpx

    def generate(keep_alive: Any) -> None:
        body = {"model": "all-minilm", "input": [], "keep_alive": keep_alive}
        httpx.post(
            f"{simulator.url}/api/embed", json=body, verify=PLAIN, trust_env=False
        ).raise_for_status()

    server = row_of(simulator)
    simulator.control.install("all-minilm")
    servers.sync_server(actor=SYSTEM, server=server)
    work_off("default")
    generate("5m")
    look(server)
    row = OllamaModel.objects.get()
    assert (row.status, row.is_loaded) == (ModelStatus.RUNNING, True)
    assert row.loaded is not None
    assert row.loaded["expires_at"] is not None
    assert row.last_used_at is not None
    used, seq = row.last_used_at, row.seq

    look(server)
    row.refresh_from_db()
    assert (row.last_used_at, row.seq) == (used, seq)  # nobody used it meanwhile

    generate("5m")
    look(server)
    row.refresh_from_db()
    assert row.last_used_at > used

    generate(0.2)  # it leaves by itself

    def gone() -> bool:
        look(server)
        row.refresh_from_db()
        return row.status == ModelStatus.STOPPED and row.loaded is None

    wait_until(gone, "the row follows")


def test_a_model_in_memory_that_nobody_knows_has_the_list_read(
    transactional_db: None, simulator: Simulator
) -> None:
    import httpx

    server = row_of(simulator, tags_seen_at=timezone.now() - dt.timedelta(seconds=20))
    simulator.control.install("all-minilm")
    body = {"model": "all-minilm", "input": [], "keep_alive": -1}
    httpx.post(
        f"{simulator.url}/api/embed", json=body, verify=PLAIN, trust_env=False
    ).raise_for_status()
    look(server)
    look(server)
    assert OllamaModel.objects.get().status == ModelStatus.RUNNING
    # Deleted while it is loaded, it stays in memory: no reason to sync for ever.
    simulator.control.remove("all-minilm")
    OllamaServer.objects.update(tags_seen_at=None)
    server.refresh_from_db()
    look(server)
    work_off("default")
    assert not OllamaModel.objects.exists()
    look(server)
    look(server)
    assert work_off("default") == 0


def test_within_ten_seconds_by_the_beat(transactional_db: None, simulator: Simulator) -> None:
    """The beat's ticks alone, with the real intervals: down and back are each seen in time."""
    from models_app.tasks import check

    server = row_of(simulator)

    def seen(status: str) -> bool:
        check()
        server.refresh_from_db()
        return server.status == status

    wait_until(lambda: seen("online"), "it is online")
    simulator.stop()
    wait_until(lambda: seen("offline"), "it is seen to be down", timeout=10)
    simulator.start()
    wait_until(lambda: seen("online"), "it is seen to be back", timeout=10)


def test_many_servers_stay_in_time(transactional_db: None) -> None:
    """150 servers, a third of them hanging: every status is there within 10 s of ticks."""
    with running_simulator() as simulator, socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = f"http://127.0.0.1:{silent.getsockname()[1]}"
        OllamaServer.objects.bulk_create(
            OllamaServer(
                name=f"s{number}",
                base_url=f"{hanging if number % 3 == 0 else simulator.url}/{number}",
            )
            for number in range(150)
        )
        begun = time.monotonic()
        checks.check_due()
        assert time.monotonic() - begun < 60  # one after the other it would be 150 s
        unknown = OllamaServer.objects.filter(status=ServerStatus.UNKNOWN).count()
        assert unknown == 0
        make_due()
        assert checks.check_due() == 150


def test_a_clock_that_is_put_back_stops_no_check(server: OllamaServer) -> None:
    ahead = timezone.now() + dt.timedelta(hours=1)
    OllamaServer.objects.update(
        status=ServerStatus.OFFLINE, checked_at=ahead, next_check_at=ahead, last_seen_at=ahead
    )
    assert checks.check_due() == 1
    server.refresh_from_db()
    assert server.status == ServerStatus.ONLINE
    assert server.checked_at is not None
    assert server.checked_at < ahead
    assert checks.check_due() == 0
