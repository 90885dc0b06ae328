"""Calls on installed models: pull, tags, show, copy, create, delete and blobs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ollamactl.simulator.bodies import (
    INVALID_NAME,
    Refused,
    model_text,
    read_body,
    require_name,
    streams,
)
from ollamactl.simulator.http_server import NDJSON, Request, Response
from ollamactl.simulator.manifests import LAYER_PREFIX, Layer, Manifest, config_layer, digest_of
from ollamactl.simulator.names import Name, parse_name
from ollamactl.simulator.pulls import Line, Pulls
from ollamactl.simulator.store import Installed, Store, timestamp

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_SUFFIXES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_COUNT = re.compile(r"([\d.]+)(?:x([\d.]+))?([KMBT]?)")


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
        return Response.json(_shown(self.existing(name, text)))

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
        return await answer_lines(self._create(name, body), stream=streams(body))

    async def _create(self, name: Name, body: dict[str, Any]) -> AsyncGenerator[Line]:
        if not body.get("from") and not body.get("files"):
            yield {"error": "neither 'from' or 'files' was specified", "status": 400}
            return
        base = None
        if text := body.get("from"):
            source = parse_name(text)
            base = self._store.find(source) if source else None
            if base is None:
                if source is None:
                    yield {"error": INVALID_NAME, "status": 400}
                    return
                async with aclosing(self._pulls.run(source, insecure=False)) as lines:
                    async for line in lines:
                        if line != {"status": "success"}:
                            yield line
                        if "error" in line:
                            return
                base = self._store.find(source)
        try:
            manifest = _created(base, body, self._store)
        except Refused as refused:
            yield {"error": refused.message, "status": refused.status}
            return
        for blob in manifest.layers:
            known = self._store.has_blob(blob.digest)
            yield {"status": f"{'using existing' if known else 'creating new'} layer {blob.digest}"}
        yield {"status": "writing manifest"}
        self._store.install(name, manifest)
        yield {"status": "success"}

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

    def existing(self, name: Name, text: str) -> Installed:
        """An installed model, or 404 with the name as it was asked for."""
        model = self._store.find(name)
        if model is None:
            raise Refused(404, f"model '{text}' not found")
        return model


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


def _created(base: Installed | None, body: dict[str, Any], store: Store) -> Manifest:
    layers = list(base.manifest.layers) if base else []
    for digest in (body.get("files") or {}).values() if base is None else ():
        blob = store.blob(str(digest))
        if blob is None:
            raise Refused(400, f"blob {digest} not found")
        layers.append(Layer(f"{LAYER_PREFIX}model", blob.digest, blob.size))
    for kind in ("template", "system", "license"):
        if text := body.get(kind):
            layers = [layer for layer in layers if layer.kind != kind]
            layers.append(Layer.of_content(kind, str(text).encode()))
    if parameters := body.get("parameters"):
        known = json.loads(base.manifest.text("params") or "{}") if base else {}
        layers = [layer for layer in layers if layer.kind != "params"]
        layers.append(Layer.of_content("params", json.dumps(known | parameters).encode()))
    facts = base.manifest.facts if base else {}
    config = config_layer(
        family=facts.get("model_family", "llama"),
        parameter_size=facts.get("model_type", "1.0B"),
        quantization=body.get("quantize") or facts.get("file_type", "F16"),
        context_length=facts.get("context_length", 4096),
        embedding_length=facts.get("embedding_length", 1024),
        capabilities=facts.get("capabilities", ["completion"]),
        layers=layers,
    )
    return Manifest.build(config, layers)


def _shown(model: Installed) -> dict[str, Any]:
    manifest = model.manifest
    facts = manifest.facts
    family = facts.get("model_family") or "llama"
    shown = {
        "license": manifest.text("license"),
        "modelfile": _modelfile(model),
        "parameters": _parameters(manifest),
        "template": manifest.text("template"),
        "system": manifest.text("system"),
        "remote_model": facts.get("remote_model"),
        "remote_host": facts.get("remote_host"),
        "capabilities": manifest.capabilities,
    }
    return {key: value for key, value in shown.items() if value} | {
        "details": manifest.details,
        "model_info": {
            "general.architecture": family,
            "general.file_type": 15,
            "general.parameter_count": _parameter_count(facts.get("model_type", "")),
            "general.quantization_version": 2,
            f"{family}.block_count": 28,
            f"{family}.context_length": facts.get("context_length", 0),
            f"{family}.embedding_length": facts.get("embedding_length", 0),
        },
        "modified_at": timestamp(model.modified_at),
    }


def _modelfile(model: Installed) -> str:
    lines = [
        '# Modelfile generated by "ollama show" (simulated)',
        "# To build a new Modelfile based on this, replace FROM with:",
        f"# FROM {model.name.display}",
        "",
    ]
    if weights := model.manifest.weights:
        lines.append(f"FROM /root/.ollama/models/blobs/{weights.digest.replace(':', '-')}")
    if template := model.manifest.text("template"):
        lines.append(f'TEMPLATE """{template}"""')
    return "\n".join(lines) + "\n"


def _parameters(manifest: Manifest) -> str:
    parameters = json.loads(manifest.text("params") or "{}")
    rows = []
    for key, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        rows += [f"{key:<30} {json.dumps(one)}" for one in values]
    return "\n".join(rows)


def _parameter_count(text: str) -> int:
    match = _COUNT.fullmatch(text)
    if match is None:
        return 0
    return int(float(match[1]) * float(match[2] or 1) * _SUFFIXES[match[3]])
