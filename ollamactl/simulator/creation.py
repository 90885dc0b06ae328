"""`POST /api/create`: a model made of another one, or of an uploaded blob."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ollamactl.simulator.bodies import INVALID_NAME, Refused
from ollamactl.simulator.manifests import LAYER_PREFIX, Layer, Manifest, config_layer
from ollamactl.simulator.names import Name, parse_name
from ollamactl.simulator.pulls import Line, Pulls
from ollamactl.simulator.store import Store

_REPLACED_TEXTS = ("template", "system", "license")


async def create_lines(
    name: Name, body: dict[str, Any], store: Store, pulls: Pulls
) -> AsyncGenerator[Line]:
    """The lines of one creation; a base that is not there is pulled first."""
    base: Manifest | None = None
    if text := body.get("from"):
        source = parse_name(text)
        if source is None:
            yield {"error": INVALID_NAME, "status": 400}
            return
        if store.find(source) is None:
            async with aclosing(pulls.run(source, insecure=False)) as lines:
                async for line in lines:
                    if line.get("status") != "success":
                        yield line
        found = store.find(source)
        if found is None:
            return
        base = found.manifest
    try:
        manifest = _compose(base, body, store)
    except Refused as refused:
        yield {"error": refused.message, "status": refused.status}
        return
    for blob in manifest.layers:
        known = store.has_blob(blob.digest)
        yield {"status": f"{'using existing' if known else 'creating new'} layer {blob.digest}"}
    yield {"status": "writing manifest"}
    store.install(name, manifest)
    yield {"status": "success"}


def _compose(base: Manifest | None, body: dict[str, Any], store: Store) -> Manifest:
    template = str(body.get("template") or "")
    if template.count("{{") != template.count("}}"):
        raise Refused(400, "template error: template: :1: unclosed action")
    layers = list(base.layers) if base else _uploaded(body, store)
    for kind in _REPLACED_TEXTS:
        if text := body.get(kind):
            layers = _replaced(layers, kind, str(text))
    if parameters := body.get("parameters"):
        known = json.loads(base.text("params") or "{}") if base else {}
        layers = _replaced(layers, "params", json.dumps(known | parameters))
    facts = base.facts if base else {}
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


def _uploaded(body: dict[str, Any], store: Store) -> list[Layer]:
    files = body.get("files")
    if not files:
        raise Refused(400, "neither 'from' or 'files' was specified")
    layers = []
    for digest in files.values():
        blob = store.blob(str(digest))
        if blob is None:
            raise Refused(500, f"open blob {digest}: no such file or directory")
        layers.append(Layer(f"{LAYER_PREFIX}model", blob.digest, blob.size))
    return layers


def _replaced(layers: list[Layer], kind: str, text: str) -> list[Layer]:
    kept = [layer for layer in layers if layer.kind != kind]
    return [*kept, Layer.of_content(kind, text.encode())]
