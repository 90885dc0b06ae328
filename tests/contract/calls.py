"""Plain HTTP to an Ollama server: no client of ours, for it is the server that is tested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.components.loopback import PLAIN
from tests.components.waiting import wait_until

Line = dict[str, Any]


class Calls(httpx.Client):
    """Ollama's calls by name; each answers the response, or its JSON where a test wants that."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=60, verify=PLAIN, trust_env=False)

    def tags(self) -> dict[str, Line]:
        """The installed models by name."""
        models = self.get("/api/tags").raise_for_status().json()["models"]
        return {model["name"]: model for model in models}

    def loaded(self) -> dict[str, Line]:
        """The loaded models by name."""
        models = self.get("/api/ps").raise_for_status().json()["models"]
        return {model["name"]: model for model in models}

    def generate(self, model: str, **body: Any) -> httpx.Response:
        return self.post("/api/generate", json={"model": model, **body})

    def remove(self, model: str) -> httpx.Response:
        return self.request("DELETE", "/api/delete", json={"model": model})

    def pull(self, model: str, **body: Any) -> list[Line]:
        """All lines of a pull."""
        with self.pulling(model, **body) as lines:
            return list(lines)

    @contextmanager
    def pulling(self, model: str, **body: Any) -> Iterator[Iterator[Line]]:
        """The lines as they come; leaving the block closes the connection."""
        order = {"model": model, "insecure": True, **body}
        with self.stream("POST", "/api/pull", json=order) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "application/x-ndjson"
            yield (json.loads(line) for line in response.iter_lines())

    def wait_until_nothing_is_loaded(self) -> None:
        wait_until(lambda: not self.loaded(), "nothing is loaded")


def next_with(lines: Iterator[Line], key: str, at_least: int = 0) -> Line:
    """The next line that has a number under `key` of at least `at_least`."""
    for line in lines:
        if line.get(key, -1) >= at_least:
            return line
    raise AssertionError(f"the stream ended without {key} of {at_least}")
