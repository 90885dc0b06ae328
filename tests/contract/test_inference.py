"""Text and vectors: the shape of the answers, not their sense."""

from __future__ import annotations

import json

import pytest

from tests.contract.backends import Backend
from tests.contract.calls import Calls

COUNTS = ("total_duration", "load_duration", "prompt_eval_count", "eval_count", "eval_duration")


def test_generate_streams_and_counts_in_its_last_line(backend: Backend, calls: Calls) -> None:
    order = {"model": backend.model, "prompt": "Say hello.", "options": {"num_predict": 4}}
    with calls.stream("POST", "/api/generate", json=order) as response:
        assert response.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in response.iter_lines()]
    assert all(not line["done"] for line in lines[:-1])
    assert "".join(line["response"] for line in lines)
    last = lines[-1]
    assert (last["done"], last["done_reason"], last["eval_count"]) == (True, "length", 4)
    assert all(last[key] > 0 for key in COUNTS)


def test_generate_in_one_answer(backend: Backend, calls: Calls) -> None:
    body = calls.generate(
        backend.model, prompt="Say hello.", stream=False, options={"num_predict": 3}
    ).json()
    assert body["response"]
    assert (body["done"], body["eval_count"], body["model"]) == (True, 3, backend.model)


@pytest.mark.parametrize("stream", [True, False])
def test_chat_answers_as_the_assistant(backend: Backend, calls: Calls, stream: bool) -> None:
    order = {
        "model": backend.model,
        "messages": [{"role": "user", "content": "Say hello."}],
        "options": {"num_predict": 3},
        "stream": stream,
    }
    answer = calls.post("/api/chat", json=order)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {line["message"]["role"] for line in lines} == {"assistant"}
    assert "".join(line["message"]["content"] for line in lines)
    assert (lines[-1]["done"], lines[-1]["eval_count"]) == (True, 3)


def test_text_model_does_not_embed(backend: Backend, calls: Calls) -> None:
    answer = calls.post("/api/embed", json={"model": backend.model, "input": "a text"})
    assert answer.status_code == 501
    assert answer.json() == {"error": "this model does not support embeddings"}


def test_embed_refuses_other_input_and_missing_models(backend: Backend, calls: Calls) -> None:
    wrong = calls.post("/api/embed", json={"model": backend.model, "input": {"a": 1}})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid input type"})
    missing = calls.post("/api/embed", json={"model": "absent", "input": "x"})
    assert missing.status_code == 404
    assert missing.json()["error"].endswith("not found, try pulling it first")


def test_chat_and_generate_refuse_missing_models(calls: Calls) -> None:
    messages = [{"role": "user", "content": "x"}]
    chat = calls.post("/api/chat", json={"model": "absent", "messages": messages})
    assert (chat.status_code, chat.json()) == (404, {"error": "model 'absent' not found"})
    unnamed = calls.post("/api/chat", json={"messages": messages})
    assert (unnamed.status_code, unnamed.json()) == (400, {"error": "model is required"})
    generate = calls.generate("absent", prompt="x")
    assert (generate.status_code, generate.json()) == (404, {"error": "model 'absent' not found"})


def test_cloud_models_are_refused_without_the_cloud(calls: Calls) -> None:
    answer = calls.generate("gpt-oss:120b-cloud", keep_alive=-1)
    assert answer.status_code == 403
    assert answer.json() == {"error": "ollama cloud is disabled: remote model is unavailable"}
    shown = calls.post("/api/show", json={"model": "gpt-oss:cloud"})
    assert shown.status_code == 403
    assert shown.json()["error"].endswith("remote model details are unavailable")


def test_thinking_is_refused_where_the_model_does_not(backend: Backend, calls: Calls) -> None:
    answer = calls.generate(backend.model, prompt="x", think=True)
    assert answer.status_code == 400
    assert answer.json() == {"error": f'"{backend.model}" does not support thinking'}


def test_thinking_has_four_levels(backend: Backend, calls: Calls) -> None:
    said = {"model": backend.model, "messages": [{"role": "user", "content": "Say hello."}]}
    known = '"high", "medium", "low", "max", true, or false'
    for path, body in (("/api/chat", said), ("/api/generate", {**said, "prompt": "x"})):
        wrong = calls.post(path, json={**body, "think": "much"})
        expected = f'invalid think value: "much" (must be {known})'
        assert (wrong.status_code, wrong.json()) == (400, {"error": expected})
        odd = calls.post(path, json={**body, "think": 5})
        expected = f"think must be a boolean or string ({known})"
        assert (odd.status_code, odd.json()) == (400, {"error": expected})
    for level in ("low", "medium", "high", "max"):
        answer = calls.post("/api/chat", json={**said, "think": level})
        expected = f'"{backend.model}" does not support thinking'
        assert (answer.status_code, answer.json()) == (400, {"error": expected})


def test_only_json_is_a_format(backend: Backend, calls: Calls) -> None:
    said = {"model": backend.model, "messages": [{"role": "user", "content": "Say hello."}]}
    for wanted, quoted in (("xml", '"\\"xml\\""'), (5, '"5"')):
        answer = calls.post("/api/chat", json={**said, "format": wanted})
        assert answer.status_code == 500
        expected = '"json" or a valid JSON Schema object'
        assert answer.json() == {"error": f"invalid format: {quoted}; expected {expected}"}
    fits = calls.post("/api/chat", json={**said, "format": "", "options": {"num_predict": 1}})
    assert fits.status_code == 200
