"""`/_sim/`: order failures, offer other models, read the counters. For tests and demos."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ollamactl.simulator.catalogue import plain_model
from ollamactl.simulator.downloads import Downloads
from ollamactl.simulator.faults import Faults, fault_from_json
from ollamactl.simulator.http_server import Request, Response
from ollamactl.simulator.names import Name, require_name
from ollamactl.simulator.registry import Registry
from ollamactl.simulator.settings import parse_rate
from ollamactl.simulator.store import Store


class ControlApi:
    """`GET` answers the counters; `POST` takes an object with any of these keys, in this order.

    clear: true forgets all failures. speed: of every download, as `50MB/s` or bytes a second;
    0 is a standstill. faults: a list of `Fault`s. publish: a list of
    `{name, size, family, version}` that the registry then offers. withdraw: names that it no
    longer has. install: names put on the server without a pull. remove: names deleted from it.
    """

    def __init__(
        self,
        registry: Registry,
        store: Store,
        downloads: Downloads,
        faults: Faults,
        counters: Callable[[], dict[str, Any]],
    ) -> None:
        self._registry = registry
        self._store = store
        self._downloads = downloads
        self._faults = faults
        self._counters = counters

    async def answer(self, request: Request) -> Response:
        if request.method in {"GET", "HEAD"}:
            return Response.json(self._counters())
        if request.method != "POST":
            return Response.error("use GET or POST", 405)
        try:
            self.apply(json.loads(request.body))
        except (ValueError, TypeError, KeyError) as error:
            return Response.error(f"{type(error).__name__}: {error}", 400)
        return Response.json(self._counters())

    def apply(self, order: dict[str, Any]) -> None:
        """Carry out an order; ValueError says what is wrong with it."""
        if order.get("clear"):
            self._faults.clear()
        if "speed" in order:
            self._downloads.set_speed(_speed(order["speed"]))
        for fault in order.get("faults", ()):
            self._faults.add(fault_from_json(fault))
        for offer in order.get("publish", ()):
            self._publish(**offer)
        for name in order.get("withdraw", ()):
            self._registry.withdraw(require_name(name))
        for name in order.get("install", ()):
            self._install(require_name(name))
        for name in order.get("remove", ()):
            self._store.remove(require_name(name))

    def _publish(
        self, name: str, size: int = 1_000_000, family: str = "llama", version: int = 1
    ) -> None:
        self._registry.publish(
            require_name(name), plain_model(name, int(size), family=family, version=version)
        )

    def _install(self, name: Name) -> None:
        manifest = self._registry.find(name)
        if manifest is None:
            raise ValueError(f"the registry has no {name.display}")
        self._store.install(name, manifest)


def _speed(value: object) -> float:
    return float(value) if isinstance(value, int | float) else parse_rate(str(value))
