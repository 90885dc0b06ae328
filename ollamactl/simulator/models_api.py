"""Calls on installed models: pull, tags, show, copy, create, delete and blobs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ollamactl.simulator.bodies import (
    INVALID_NAME,
    Refused,
    model_text,
    read_body,
    refuse_cloud,
    require_name,
    streams,
)
from ollamactl.simulator.creation import create_lines
from ollamactl.simulator.http_server import NDJSON, Request, Response
from ollamactl.simulator.manifests import LAYER_PREFIX, Layer, digest_of
from ollamactl.simulator.names import parse_name
from ollamactl.simulator.pulls import Line, Pulls
from ollamactl.simulator.showing import shown
from ollamactl.simulator.store import Store

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")


class ModelsApi:
    """Handlers; each takes a request and gives a response."""

    def __init__(self, store: Store, pulls: Pulls) -> None:
        self._store = store
        self._pulls = pulls

    async def tags(self, request: Request) -> Response:
        return Response.json(self._store.tags())

    async def pull(self, request: Request) -> Response:
        body = read_body(request)
        name = require_name(model_text(body), empty=(400, INVALID_NAME))
        lines = self._pulls.run(name, insecure=body.get("insecure") is True)
        return await answer_lines(lines, stream=streams(body))

    async def show(self, request: Request) -> Response:
        body = read_body(request)
        text = model_text(body)
        name = require_name(text, empty=(400, "model is required"))
        refuse_cloud(name, "remote model details are unavailable")
        model = self._store.find(name)
        if model is None:
            raise Refused(404, f"model '{text}' not found")
        return Response.json(shown(model))

    async def delete(self, request: Request) -> Response:
        text = model_text(read_body(request))
        name = parse_name(text)
        if not text.strip():
            raise Refused(400, "model is required")
        if name is None:
            raise Refused(400, f'name "{text}" is invalid')
        if not self._store.remove(name):
            raise Refused(404, f"model '{text}' not found")
        return Response()

    async def copy(self, request: Request) -> Response:
        body = read_body(request)
        source, destination = str(body.get("source", "")), str(body.get("destination", ""))
        names = []
        for what, text in (("source", source), ("destination", destination)):
            name = parse_name(text)
            if name is None:
                raise Refused(400, f'{what} "{text}" is invalid')
            names.append(name)
        model = self._store.find(names[0])
        if model is None:
            raise Refused(404, f'model "{source}" not found')
        if names[0].key != names[1].key:
            self._store.install(names[1], model.manifest)
        return Response()

    async def create(self, request: Request) -> Response:
        body = read_body(request)
        name = require_name(model_text(body), empty=(400, INVALID_NAME))
        return await answer_lines(
            create_lines(name, body, self._store, self._pulls), stream=streams(body)
        )

    async def head_blob(self, request: Request) -> Response:
        digest = _digest(request)
        if not self._store.has_blob(digest):
            raise Refused(404, f'blob "{digest}" not found')
        return Response()

    async def create_blob(self, request: Request) -> Response:
        wanted = _digest(request)
        if self._store.has_blob(wanted):
            return Response()
        found = digest_of(request.body)
        if found != wanted:
            raise Refused(400, f'digest mismatch, expected "{wanted}", got "{found}"')
        self._store.add_blob(Layer(f"{LAYER_PREFIX}model", found, len(request.body)))
        self._store.save()
        return Response(201)


async def answer_lines(lines: AsyncGenerator[Line], *, stream: bool) -> Response:
    """A stream of JSON lines, or the last of them.

    An error before the first line has its status; later it is a line of a 200.
    """
    if not stream:
        last: Line = {}
        async with aclosing(lines):
            async for line in lines:
                last = line
        if "error" in last:
            return Response.error(last["error"], last.get("status", 500))
        return Response.json(last)
    first = await anext(lines)
    if "error" in first:
        await lines.aclose()
        return Response.error(first["error"], first.get("status", 500))
    return Response(200, _encoded(first, lines), {"content-type": NDJSON})


async def _encoded(first: Line, lines: AsyncGenerator[Line]) -> AsyncGenerator[bytes]:
    async with aclosing(lines):
        yield json.dumps(first, separators=(",", ":")).encode() + b"\n"
        async for line in lines:
            yield json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _digest(request: Request) -> str:
    match = _DIGEST.fullmatch(request.path.rpartition("/")[2])
    if match is None:
        raise Refused(400, "invalid digest format")
    return f"sha256:{match[1].lower()}"
