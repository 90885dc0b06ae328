"""Manifests, their layers and config, in the registry's own JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_PREFIX = "application/vnd.ollama.image."


def digest_of(data: bytes) -> str:
    """`sha256:` and the hex digest of the bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Layer:
    """One blob of a model. `content` is None for weights: their bytes do not exist."""

    media_type: str
    digest: str
    size: int
    content: bytes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_content(cls, kind: str, content: bytes) -> Layer:
        return cls(LAYER_PREFIX + kind, digest_of(content), len(content), content)

    @classmethod
    def of_weights(cls, seed: str, size: int, kind: str = "model") -> Layer:
        """Weights that are told apart by `seed`: same seed and size, same digest."""
        return cls(LAYER_PREFIX + kind, digest_of(f"{seed} {size}".encode()), size)

    @property
    def kind(self) -> str:
        """`model`, `template`, `params`, `license`, `system`, `projector`."""
        return self.media_type.removeprefix(LAYER_PREFIX)

    def as_json(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Manifest:
    """A manifest: the exact bytes that a registry serves, and what they name.

    `digest` is the bare hex sha256 of those bytes, as `/api/tags` shows it.
    """

    raw: bytes
    config: Layer
    layers: tuple[Layer, ...]

    @classmethod
    def build(cls, config: Layer, layers: Sequence[Layer]) -> Manifest:
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.as_json(),
            "layers": [layer.as_json() for layer in layers],
        }
        return cls(json.dumps(document, separators=(",", ":")).encode(), config, tuple(layers))

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def blobs(self) -> tuple[Layer, ...]:
        """All blobs in the order in which Ollama downloads them."""
        return (*self.layers, self.config)

    @property
    def size(self) -> int:
        """Bytes of all blobs, as `/api/tags` counts them."""
        return sum(blob.size for blob in self.blobs)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The config blob's JSON."""
        facts: dict[str, Any] = json.loads(self.config.content or b"{}")
        return facts

    @property
    def weights(self) -> Layer | None:
        return next((layer for layer in self.layers if layer.kind == "model"), None)

    def text(self, kind: str) -> str:
        """The text of the first layer of a kind, empty where there is none."""
        for layer in self.layers:
            if layer.kind == kind and layer.content is not None:
                return layer.content.decode("utf-8", "replace")
        return ""

    @property
    def details(self) -> dict[str, Any]:
        """`details` as tags, ps and show give them."""
        facts = self.facts
        return {
            "parent_model": "",
            "format": facts.get("model_format", ""),
            "family": facts.get("model_family", ""),
            "families": facts.get("model_families"),
            "parameter_size": facts.get("model_type", ""),
            "quantization_level": facts.get("file_type", ""),
        }

    @property
    def capabilities(self) -> list[str]:
        return list(self.facts.get("capabilities") or ["completion"])


def config_layer(
    *,
    family: str,
    parameter_size: str,
    quantization: str,
    context_length: int,
    embedding_length: int,
    capabilities: Sequence[str],
    layers: Sequence[Layer],
    remote: tuple[str, str] | None = None,
) -> Layer:
    """The config blob. `remote` is (host, model) of a cloud stub."""
    config: dict[str, Any] = {
        "model_format": "gguf",
        "model_family": family,
        "model_families": [family],
        "model_type": parameter_size,
        "file_type": quantization,
        "capabilities": list(capabilities),
        "context_length": context_length,
        "embedding_length": embedding_length,
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }
    if remote:
        config["remote_host"], config["remote_model"] = remote
    content = json.dumps(config, separators=(",", ":")).encode()
    return Layer(CONFIG_TYPE, digest_of(content), len(content), content)
