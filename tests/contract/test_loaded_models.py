"""Start and stop: load, keep-alive, unload, and what `/api/ps` says about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.components.waiting import wait_until
from tests.contract.backends import Backend
from tests.contract.calls import Calls

YEAR = timedelta(days=365)


def _left(calls: Calls, name: str) -> timedelta:
    """Until the loaded model expires. Go's times may carry nanoseconds, which Python's do not."""
    text = calls.loaded()[name]["expires_at"]
    digits = text.partition(".")[2]
    fraction = "".join(character for character in digits[:9] if character.isdigit())
    zone = "Z" if text.endswith("Z") else text[-6:]
    moment = datetime.fromisoformat(f"{text[:19]}.{fraction[:6].ljust(6, '0')}{zone}")
    return moment - datetime.now(UTC)


def test_empty_prompt_loads_and_pins(backend: Backend, calls: Calls) -> None:
    answer = calls.generate(backend.model, keep_alive=-1)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["model"], body["done"], body["done_reason"]) == (backend.model, True, "load")
    loaded = calls.loaded()[backend.model]
    assert loaded["digest"] == calls.tags()[backend.model]["digest"]
    assert loaded["size"] > 0
    assert 0 <= loaded["size_vram"] <= loaded["size"]
    assert loaded["context_length"] > 0
    assert _left(calls, backend.model) > 20 * YEAR


def test_unload_answers_at_once_and_leaves_ps_soon(backend: Backend, calls: Calls) -> None:
    calls.generate(backend.model, keep_alive=-1)
    body = calls.generate(backend.model, keep_alive=0).json()
    assert (body["done"], body["done_reason"]) == (True, "unload")
    calls.wait_until_nothing_is_loaded()


def test_unloading_what_is_not_loaded_is_no_error(backend: Backend, calls: Calls) -> None:
    answer = calls.generate(backend.model, keep_alive=0)
    assert (answer.status_code, answer.json()["done_reason"]) == (200, "unload")


@pytest.mark.parametrize(
    ("keep_alive", "error"),
    [
        ("-1", 'time: missing unit in duration "-1"'),
        ("5", 'time: missing unit in duration "5"'),
        ("soon", 'time: invalid duration "soon"'),
        ("", 'time: invalid duration ""'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        (True, "Unsupported type: 'bool'"),
    ],
)
def test_keep_alive_that_is_no_duration_is_400(
    backend: Backend, calls: Calls, keep_alive: object, error: str
) -> None:
    answer = calls.generate(backend.model, keep_alive=keep_alive)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize(
    ("keep_alive", "low", "high"),
    [
        ("-1m", 20 * YEAR, 300 * YEAR),
        (None, timedelta(minutes=4), timedelta(minutes=6)),
        (600, timedelta(minutes=9), timedelta(minutes=11)),
        ("1h30m", timedelta(minutes=89), timedelta(minutes=91)),
    ],
)
def test_keep_alive_sets_the_expiry(
    backend: Backend, calls: Calls, keep_alive: object, low: timedelta, high: timedelta
) -> None:
    calls.generate(backend.model, keep_alive=keep_alive)
    wait_until(lambda: low < _left(calls, backend.model) < high, "the expiry is set")


def test_model_expires_by_itself(backend: Backend, calls: Calls) -> None:
    calls.generate(backend.model, keep_alive="300ms")
    calls.wait_until_nothing_is_loaded()


def test_later_request_without_keep_alive_keeps_the_pin(backend: Backend, calls: Calls) -> None:
    calls.generate(backend.model, keep_alive=-1)
    calls.generate(backend.model)
    assert _left(calls, backend.model) > 20 * YEAR


def test_other_context_reloads_and_loses_the_pin(backend: Backend, calls: Calls) -> None:
    calls.generate(backend.model, keep_alive=-1, options={"num_ctx": 1024})
    assert calls.loaded()[backend.model]["context_length"] == 1024
    calls.generate(backend.model, options={"num_ctx": 2048})
    assert calls.loaded()[backend.model]["context_length"] == 2048
    wait_until(lambda: _left(calls, backend.model) < YEAR, "the pin is lost")


def test_aliases_share_one_runner_under_the_loader_s_name(backend: Backend, calls: Calls) -> None:
    calls.post("/api/copy", json={"source": backend.model, "destination": "alias"})
    calls.generate(backend.model, keep_alive=-1)
    calls.generate("alias")
    loaded = calls.loaded()
    assert list(loaded) == [backend.model]
    assert loaded[backend.model]["digest"] == calls.tags()["alias:latest"]["digest"]
    calls.generate("alias", keep_alive=0)
    calls.wait_until_nothing_is_loaded()


def test_delete_does_not_unload(backend: Backend, calls: Calls) -> None:
    calls.post("/api/copy", json={"source": backend.model, "destination": "doomed"})
    calls.generate("doomed", keep_alive=-1)
    assert calls.remove("doomed").status_code == 200
    assert list(calls.loaded()) == ["doomed:latest"]
    calls.generate(backend.model, keep_alive=0)
    calls.wait_until_nothing_is_loaded()


def test_loading_a_missing_model_is_404(calls: Calls) -> None:
    answer = calls.generate("absent", keep_alive=-1)
    assert (answer.status_code, answer.json()) == (404, {"error": "model 'absent' not found"})


def test_empty_chat_loads_and_unloads_too(backend: Backend, calls: Calls) -> None:
    order = {"model": backend.model, "messages": []}
    loaded = calls.post("/api/chat", json=order).json()
    assert loaded["done_reason"] == "load"
    assert loaded["message"] == {"role": "assistant", "content": ""}
    unloaded = calls.post("/api/chat", json=order | {"keep_alive": 0}).json()
    assert unloaded["done_reason"] == "unload"
    calls.wait_until_nothing_is_loaded()


def test_empty_embed_loads(backend: Backend, calls: Calls) -> None:
    answer = calls.post("/api/embed", json={"model": backend.model, "keep_alive": -1})
    assert (answer.status_code, answer.json()["embeddings"]) == (200, [])
    assert backend.model in calls.loaded()
