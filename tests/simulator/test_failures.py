"""Failures on demand: each kind, for whom, and how often."""

from __future__ import annotations

import httpx
import pytest

from ollamactl.simulator.running import RunningSimulator
from tests.components.waiting import wait_until
from tests.contract.calls import Calls, next_with

MB = 1_000_000
NAME = "victim:latest"


@pytest.fixture(autouse=True)
def _offered(simulator: RunningSimulator) -> None:
    simulator.control.publish("victim", 4 * MB)


def test_error_inside_the_stream_comes_at_its_byte(
    simulator: RunningSimulator, calls: Calls
) -> None:
    simulator.control.fault(
        "error_in_stream", model="victim", at_bytes=2 * MB, message="out of luck"
    )
    lines = calls.pull("victim")
    assert lines[-1] == {"error": "out of luck"}
    assert lines[-2]["completed"] == 2 * MB
    assert NAME not in calls.tags()


def test_disk_full_is_in_ollamas_words(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("disk_full", at_bytes=MB)
    assert calls.pull("victim")[-1]["error"].endswith("-partial: no space left on device")


def test_cut_breaks_the_connection_without_an_end(
    simulator: RunningSimulator, calls: Calls
) -> None:
    simulator.control.fault("cut", at_bytes=MB, count=1)
    with pytest.raises(httpx.TransportError), calls.pulling("victim") as lines:
        next_with(lines, "completed", 2 * MB)
    assert calls.pull("victim")[-1] == {"status": "success"}
    assert simulator.control.pulls(NAME) == {
        "started": 2,
        "active": 0,
        "failed": 1,
        "succeeded": 1,
    }


def test_stall_stays_open_until_the_client_gives_up(
    simulator: RunningSimulator, calls: Calls
) -> None:
    simulator.control.fault("stall", model="vic*", at_bytes=3 * MB, count=1)
    with calls.pulling("victim") as lines:
        next_with(lines, "completed", 3 * MB)
        assert [next(lines)["completed"] for _ in range(5)] == [3 * MB] * 5
    wait_until(lambda: simulator.control.pulls(NAME)["active"] == 0, "the pull has ended")
    assert simulator.control.pulls(NAME)["cancelled"] == 1
    assert calls.pull("victim")[-1] == {"status": "success"}
    weights = max(simulator.control.counters()["bytes_moved"].values())
    assert weights == 4 * MB


def test_slow_limits_one_model_alone(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("slow", model="victim", rate=MB)
    simulator.control.publish("other", 4 * MB)
    with calls.pulling("victim") as lines:
        assert next_with(lines, "completed")["completed"] < 2 * MB
        assert calls.pull("other")[-1] == {"status": "success"}


def test_missing_and_corrupt_downloads(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("missing", count=1)
    assert calls.pull("victim")[-1] == {"error": "pull model manifest: file does not exist"}
    simulator.control.fault("digest_mismatch", count=1)
    assert calls.pull("victim")[-1]["error"].startswith("digest mismatch, file must be downloaded")
    assert calls.pull("victim")[-1] == {"status": "success"}


def test_requests_fail_as_often_as_asked(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("http_503", endpoint="/api/ps", count=2)
    assert [calls.get("/api/ps").status_code for _ in range(3)] == [503, 503, 200]


def test_empty_500_and_html_and_other_errors(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("http_500_empty", endpoint="/api/version")
    answer = calls.get("/api/version")
    assert (answer.status_code, answer.content) == (500, b"")
    simulator.control.fault("html", endpoint="/api/tags")
    assert calls.get("/api/tags").headers["content-type"].startswith("text/html")
    simulator.control.fault("http_error", endpoint="/api/show", status=401, message="who?")
    shown = calls.post("/api/show", json={"model": "victim"})
    assert (shown.status_code, shown.json()) == (401, {"error": "who?"})
    simulator.control.clear()
    assert calls.get("/api/version").status_code == 200


def test_hang_never_answers(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("hang", endpoint="/api/version")
    with pytest.raises(httpx.ReadTimeout):
        calls.get("/api/version", timeout=0.2)
    wait_until(lambda: simulator.control.counters()["connections"] == 0, "it is closed")


def test_registry_fails_apart_from_the_server(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.fault("http_503", endpoint="/v2/*", model="victim")
    assert calls.get("/v2/library/victim/manifests/latest").status_code == 503
    assert calls.get("/v2/library/llama3.2/manifests/latest").status_code == 200
    assert calls.pull("victim")[-1] == {"status": "success"}


def test_orders_over_http(simulator: RunningSimulator, calls: Calls) -> None:
    order = {"publish": [{"name": "other", "size": MB}], "install": ["other"], "speed": "1MB/s"}
    assert calls.post("/_sim/", json=order).status_code == 200
    assert "other:latest" in calls.tags()
    wrong = calls.post("/_sim/", json={"faults": [{"kind": "absent"}]})
    assert wrong.status_code == 400
    assert "unknown fault" in wrong.json()["error"]
    assert calls.get("/_sim/").json()["version"].endswith("simulated")
