"""The simulated server as a whole: its parts, its routes and the failures in front of them."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ollamactl.simulator import catalogue
from ollamactl.simulator.bodies import Refused
from ollamactl.simulator.control_api import ControlApi
from ollamactl.simulator.downloads import Downloads
from ollamactl.simulator.faults import REQUEST_KINDS, Fault, Faults
from ollamactl.simulator.http_server import Handler, HttpServer, Request, Response
from ollamactl.simulator.inference_api import InferenceApi
from ollamactl.simulator.manifests import Manifest
from ollamactl.simulator.models_api import ModelsApi
from ollamactl.simulator.names import DEFAULT_TAG, Name, parse_name
from ollamactl.simulator.pulls import Pulls
from ollamactl.simulator.registry import Registry
from ollamactl.simulator.runners import Runners
from ollamactl.simulator.settings import VERSION, Settings
from ollamactl.simulator.store import Store

_LOCAL_DOMAINS = (".localhost", ".local", ".internal")
_SAVE_INTERVAL = 1.0


class Simulator:
    """One simulated Ollama with its registry. Build it, `start` it, `close` it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = Registry()
        self.faults = Faults()
        self.store = Store(settings.state)
        self.store.load()
        self.store.seed(islice(_first_models(), settings.models))
        self.store.tags()
        self.downloads = Downloads(self.store, settings.speed)
        self.pulls = Pulls(settings, self.registry, self.store, self.downloads, self.faults)
        self.runners = Runners(settings)
        self.control = ControlApi(
            self.registry, self.store, self.downloads, self.faults, self.counters
        )
        self._requests: Counter[str] = Counter()
        self._server = HttpServer(self.handle)
        self._saver: asyncio.Task[None] | None = None
        self._routes = self._make_routes()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port."""
        bound = await self._server.start(host, port)
        if self.settings.state is not None:
            self._saver = asyncio.ensure_future(self._keep_saving())
        return bound

    async def close(self) -> None:
        if self._saver is not None:
            self._saver.cancel()
        await self._server.close()
        await self.runners.close()
        self.store.save()

    def counters(self) -> dict[str, Any]:
        """What has happened since the start, for tests to assert on."""
        return {
            "version": VERSION,
            "connections": self._server.connections,
            "requests": dict(self._requests),
            "pulls": {name: dict(count) for name, count in self.pulls.counts.items()},
            "bytes_moved": self.downloads.bytes_moved(),
            "partials": dict(self.store.partials),
            "loads": dict(self.runners.loads),
            "faults": self.faults.as_json(),
        }

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = request.path
        if path.startswith("/_sim"):
            if not self.settings.control:
                return Response.text("404 page not found", 404)
            return await self.control.answer(request)
        self._requests[f"{request.method} {path}"] += 1
        if not path.startswith("/v2/") and not _host_allowed(request):
            return Response(403)
        model = _model_of(request)
        if delay := self._faults_take(path, model, {"slow"}):
            await asyncio.sleep(delay.seconds)
        if fault := self._faults_take(path, model, REQUEST_KINDS):
            return await _failure(fault)
        try:
            return await self._route(request)
        except Refused as refused:
            return Response.error(refused.message, refused.status)

    def _faults_take(self, path: str, model: str, kinds: set[str] | frozenset[str]) -> Fault | None:
        if kinds == {"slow"} and path == "/api/pull":
            return None  # there it slows the transfer, not the answer
        return self.faults.take(path, model, kinds)

    async def _route(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        path = request.path
        if path.startswith("/v2/"):
            return self.registry.answer(request)
        if path.startswith("/api/blobs/"):
            path = "/api/blobs/"
            method = request.method
        handlers = self._routes.get(path)
        if handlers is None:
            return Response.text("404 page not found", 404)
        if method not in handlers:
            return Response.text("405 method not allowed", 405)
        return await handlers[method](request)

    def _make_routes(self) -> dict[str, dict[str, Handler]]:
        models = ModelsApi(self.store, self.pulls)
        inference = InferenceApi(self.settings, self.store, self.runners, self.faults)
        return {
            "/": {"GET": _running},
            "/api/version": {"GET": _version},
            "/api/status": {"GET": _status},
            "/api/tags": {"GET": models.tags},
            "/api/ps": {"GET": inference.ps},
            "/api/show": {"POST": models.show},
            "/api/pull": {"POST": models.pull},
            "/api/delete": {"DELETE": models.delete},
            "/api/copy": {"POST": models.copy},
            "/api/create": {"POST": models.create},
            "/api/blobs/": {"HEAD": models.head_blob, "POST": models.create_blob},
            "/api/generate": {"POST": inference.generate},
            "/api/chat": {"POST": inference.chat},
            "/api/embed": {"POST": inference.embed},
        }

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_INTERVAL)
            if self.downloads.active:
                self.downloads.keep_progress()
                self.store.save()


async def _running(request: Request) -> Response:
    return Response.text("Ollama is running")


async def _version(request: Request) -> Response:
    return Response.json({"version": VERSION})


async def _status(request: Request) -> Response:
    return Response.json({"cloud": {"disabled": True, "source": "env"}})


async def _failure(fault: Fault) -> Response:
    match fault.kind:
        case "hang":
            await asyncio.Event().wait()
        case "html":
            page = "<!doctype html><title>Welcome</title><h1>It works!</h1>"
            return Response.text(page, 200, "text/html")
        case "http_503":
            return Response.error(
                "server busy, please try again.  maximum pending requests exceeded", 503
            )
        case "http_error":
            return Response.error(fault.message or "unauthorized", fault.status)
    return Response(500)


def _first_models() -> Iterator[tuple[Name, Manifest]]:
    """The models that a first start has: one of each known family, then made-up ones."""
    for name, manifest in catalogue.known_models():
        if name.tag == DEFAULT_TAG:
            yield name, manifest
    number = 0
    while True:
        number += 1
        yield catalogue.made_up_name(number), catalogue.made_up_model(number)


def _model_of(request: Request) -> str:
    """The shown name of the model that a request is about, empty where there is none."""
    if request.path.startswith("/v2/"):
        repository, _, rest = request.path.removeprefix("/v2/").partition("/manifests/")
        name = parse_name(f"{repository}:{rest}") if rest else None
        return name.display if name else ""
    if request.method in {"GET", "HEAD"} or len(request.body) > 1 << 20:
        return ""
    try:
        body = json.loads(request.body)
        name = parse_name(body.get("model") or body.get("name"))
    except (ValueError, AttributeError):
        return ""
    return name.display if name else ""


def _host_allowed(request: Request) -> bool:
    """Ollama on a loopback address answers only to local names, against DNS rebinding."""
    host = request.headers.get("host", "")
    host = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    host = host.lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        own = os.uname().nodename.lower()
        return host in {"", "localhost", own} or host.endswith(_LOCAL_DOMAINS)
    return address.is_loopback or address.is_private or address.is_unspecified
