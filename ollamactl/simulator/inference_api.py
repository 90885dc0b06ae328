"""Calls on loaded models: generate, chat, embed and ps."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from ollamactl.simulator.bodies import (
    Refused,
    model_text,
    read_body,
    refuse_cloud,
    require_name,
    streams,
)
from ollamactl.simulator.durations import parse_keep_alive
from ollamactl.simulator.faults import ANSWER_KINDS, Faults
from ollamactl.simulator.http_server import CutConnection, Request, Response
from ollamactl.simulator.models_api import answer_lines
from ollamactl.simulator.pulls import Line
from ollamactl.simulator.runners import Runners
from ollamactl.simulator.settings import Settings
from ollamactl.simulator.store import Installed, Store, timestamp

# What a model that thinks says before its answer.
_LEVELS = ("low", "medium", "high", "max")
_THOUGHTS = ("They", " want", " to", " see", " how", " thinking", " looks.")

Shape = Callable[[str], Line]


class InferenceApi:
    """Handlers; each takes a request and gives a response."""

    def __init__(self, settings: Settings, store: Store, runners: Runners, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._store = store
        self._runners = runners

    async def ps(self, request: Request) -> Response:
        return Response.json({"models": self._runners.as_json()})

    async def generate(self, request: Request) -> Response:
        body, keep_alive = _read(request)
        _require_think(body.get("think"))
        text = model_text(body)
        missing = f"model '{text}' not found"
        model = self._installed(text, empty=(404, missing), missing=missing)
        prompt = str(body.get("prompt") or "")
        return await self._complete(model, body, keep_alive, prompt, lambda t: {"response": t})

    async def chat(self, request: Request) -> Response:
        body, keep_alive = _read(request)
        _require_think(body.get("think"))
        text = model_text(body)
        missing = f"model '{text}' not found"
        model = self._installed(text, empty=(400, "model is required"), missing=missing)
        messages = body.get("messages") or []
        prompt = str(messages[-1].get("content") or "") if messages else ""
        if messages and not prompt:
            prompt = " "
        think = body.get("think")
        thinks = "thinking" in model.manifest.capabilities and think is not False
        level = (f" At {think} level.",) if isinstance(think, str) else ()
        return await self._complete(
            model,
            body,
            keep_alive,
            prompt,
            lambda t: {"message": _assistant(t)},
            thoughts=(*_THOUGHTS, *level) if prompt and thinks else (),
        )

    async def embed(self, request: Request) -> Response:
        started = time.monotonic()
        body, keep_alive = _read(request)
        text = model_text(body)
        missing = f"model '{text}' not found"
        inputs = _inputs(body.get("input"))
        model = self._installed(
            text, empty=(404, missing), missing=f'model "{text}" not found, try pulling it first'
        )
        async with self._runners.use(model, _options(body), keep_alive):
            loaded = time.monotonic()
            if not inputs:
                return Response.json({"model": text, "embeddings": []})
            if "embedding" not in model.manifest.capabilities:
                raise Refused(501, "this model does not support embeddings")
            width = int(model.manifest.facts.get("embedding_length") or 64)
            return Response.json(
                {
                    "model": text,
                    "embeddings": [_embedding(one, width) for one in inputs],
                    "total_duration": _nanoseconds(time.monotonic() - started),
                    "load_duration": _nanoseconds(loaded - started),
                    "prompt_eval_count": sum(len(one.split()) + 2 for one in inputs),
                }
            )

    def _installed(self, text: str, *, empty: tuple[int, str], missing: str) -> Installed:
        name = require_name(text, empty=empty)
        refuse_cloud(name, "remote model is unavailable")
        model = self._store.find(name)
        if model is None:
            raise Refused(404, missing)
        return model

    async def _complete(
        self,
        model: Installed,
        body: dict[str, Any],
        keep_alive: float | None,
        prompt: str,
        shape: Shape,
        thoughts: Sequence[str] = (),
    ) -> Response:
        text = model_text(body)
        head = {"model": text, "created_at": timestamp(datetime.now(UTC))}
        if not prompt and keep_alive == 0:
            self._runners.expire(model)
            return Response.json(head | shape("") | {"done": True, "done_reason": "unload"})
        capabilities = model.manifest.capabilities
        if "completion" not in capabilities:
            verb = "generate" if "response" in shape("") else "chat"
            raise Refused(400, f'"{text}" does not support {verb}')
        if body.get("think") and "thinking" not in capabilities:
            raise Refused(400, f'"{text}" does not support thinking')
        if not prompt:
            async with self._runners.use(model, _options(body), keep_alive):
                return Response.json(head | shape("") | {"done": True, "done_reason": "load"})
        _require_format(body.get("format"))
        lines = self._tokens(model, body, keep_alive, prompt, shape, thoughts)
        if streams(body):
            return await answer_lines(lines, stream=True)
        return Response.json(await _joined(lines, shape))

    async def _tokens(
        self,
        model: Installed,
        body: dict[str, Any],
        keep_alive: float | None,
        prompt: str,
        shape: Shape,
        thoughts: Sequence[str],
    ) -> AsyncGenerator[Line]:
        fault = self._faults.take("/api/chat", model.name.display, ANSWER_KINDS)
        started = time.monotonic()
        async with self._runners.use(model, _options(body), keep_alive):
            loaded = time.monotonic()
            words = (_json_words if body.get("format") else _simulated_words)(model, prompt)
            limit = int(_options(body).get("num_predict") or 0)
            reason = "length" if 0 < limit < len(words) else "stop"
            words = words[:limit] if limit > 0 else words
            for thought in thoughts:
                await asyncio.sleep(1 / self._settings.tokens_per_second)
                message = {**_assistant(""), "thinking": thought}
                yield _head(body) | {"message": message} | {"done": False}
            for number, word in enumerate(words):
                if fault is not None and number >= fault.at_bytes:
                    raise CutConnection
                await asyncio.sleep(1 / self._settings.tokens_per_second)
                yield _head(body) | shape(word) | {"done": False}
            ended = time.monotonic()
            yield (
                _head(body)
                | shape("")
                | {
                    "done": True,
                    "done_reason": reason,
                    "total_duration": _nanoseconds(ended - started),
                    "load_duration": _nanoseconds(loaded - started),
                    "prompt_eval_count": len(prompt.split()) + 8,
                    "prompt_eval_duration": _nanoseconds((ended - loaded) / 10),
                    "eval_count": len(words) + len(thoughts),
                    "eval_duration": _nanoseconds(ended - loaded),
                }
            )


def _read(request: Request) -> tuple[dict[str, Any], float | None]:
    body = read_body(request)
    try:
        return body, parse_keep_alive(body.get("keep_alive"))
    except ValueError as error:
        raise Refused(400, str(error)) from error


def _require_think(wanted: object) -> None:
    """On, off, a level, or nothing."""
    known = '"high", "medium", "low", "max", true, or false'
    if isinstance(wanted, str) and wanted not in _LEVELS:
        raise Refused(400, f"invalid think value: {json.dumps(wanted)} (must be {known})")
    if not isinstance(wanted, str | bool | None):
        raise Refused(400, f"think must be a boolean or string ({known})")


def _options(body: dict[str, Any]) -> dict[str, Any]:
    options = body.get("options")
    return options if isinstance(options, dict) else {}


def _head(body: dict[str, Any]) -> Line:
    return {"model": model_text(body), "created_at": timestamp(datetime.now(UTC))}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _simulated_words(model: Installed, prompt: str) -> list[str]:
    """The answer: it says that it is simulated, then gives the prompt back, word by word."""
    opening = f"This is a simulated answer by {model.name.display}; no model has run."
    echo = f'You wrote: "{" ".join(prompt.split()[:60])}"'
    words = f"{opening} {echo}".split()
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _json_words(model: Installed, prompt: str) -> list[str]:
    """The same as an object, in pieces that a JSON text may be cut into."""
    answer = {
        "simulated": True,
        "model": model.name.display,
        "you_wrote": " ".join(prompt.split()[:60]),
    }
    words = json.dumps(answer, ensure_ascii=False, indent=2).split(" ")
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _require_format(wanted: object) -> None:
    """`json` or a schema, or nothing; what a schema asks for is not looked at."""
    if wanted not in (None, "", "json") and not isinstance(wanted, dict):
        # Ollama quotes what was sent, quotes and all.
        quoted = json.dumps(json.dumps(wanted))
        known = '"json" or a valid JSON Schema object'
        raise Refused(500, f"invalid format: {quoted}; expected {known}")


async def _joined(lines: AsyncGenerator[Line], shape: Shape) -> Line:
    """One answer out of a stream's lines: all of the text, and the last line's figures."""
    text, last = "", Line()
    async with aclosing(lines):
        async for line in lines:
            message = line.get("message")
            text += message["content"] if message else line["response"]
            last = line
    return last | shape(text)


def _inputs(value: object) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise Refused(400, "invalid input type")


def _embedding(text: str, width: int) -> list[float]:
    """A unit vector that is always the same for the same text."""
    seed = hashlib.sha256(text.encode()).digest()
    numbers = random.Random(seed)  # noqa: S311 - no secret, only repeatable numbers
    vector = [numbers.gauss(0.0, 1.0) for _ in range(width)]
    length = math.sqrt(sum(one * one for one in vector))
    return [one / length for one in vector]


def _nanoseconds(seconds: float) -> int:
    return max(1, int(seconds * 1e9))
