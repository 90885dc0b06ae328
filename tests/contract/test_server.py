"""The server itself: is it there, who may ask, and how it refuses."""

from __future__ import annotations

import pytest

from tests.contract.calls import Calls


def test_root_says_that_it_runs(calls: Calls) -> None:
    answer = calls.get("/")
    assert (answer.status_code, answer.text) == (200, "Ollama is running")
    assert calls.head("/").status_code == 200


def test_version_is_that_of_the_facts(calls: Calls) -> None:
    version = calls.get("/api/version").json()["version"]
    assert version.removesuffix("-simulated") == "0.24.0"


def test_status_says_that_the_cloud_is_off(calls: Calls) -> None:
    assert calls.get("/api/status").json() == {"cloud": {"disabled": True, "source": "env"}}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/absent", 404), ("GET", "/api/pull", 405), ("POST", "/api/tags", 405)],
)
def test_unknown_calls_are_refused_in_plain_text(
    calls: Calls, method: str, path: str, status: int
) -> None:
    answer = calls.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert str(status) in answer.text


def test_foreign_host_header_is_forbidden_on_loopback(calls: Calls) -> None:
    assert calls.get("/api/tags", headers={"host": "panel.example.com"}).status_code == 403
    assert calls.get("/api/tags", headers={"host": "localhost"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/pull", "/api/show", "/api/generate", "/api/copy"])
def test_missing_and_broken_bodies_are_named(calls: Calls, path: str) -> None:
    empty = calls.post(path)
    assert (empty.status_code, empty.json()) == (400, {"error": "missing request body"})
    broken = calls.post(path, content=b"}")
    assert broken.status_code == 400
    assert broken.json()["error"].startswith("invalid character '}'")


def test_head_answers_like_get_without_a_body(calls: Calls) -> None:
    answer = calls.head("/api/tags")
    assert (answer.status_code, answer.content) == (200, b"")
