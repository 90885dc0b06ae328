"""The two servers behind one face: what a contract test may do beyond Ollama's own calls."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from typing import Protocol

import httpx

from ollamactl.simulator.running import RunningSimulator
from tests.components.inventory import TINY_MODEL_NAME
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Offer:
    """A model in the backend's registry. `name` is pulled with `insecure`; sizes are bytes."""

    name: str
    repository: str
    tag: str
    weights: str
    """The digest of its largest layer, with `sha256:`."""
    size: int
    """Bytes of all of its blobs."""


class Backend(Protocol):
    """An Ollama server in which `model` alone is installed, and a registry to pull from."""

    url: str
    registry_url: str
    model: str

    def offer(self, size: int, *, name: str, version: int = 1) -> Offer:
        """Put a model of `size` bytes of weights into the registry."""

    def set_speed(self, bytes_per_second: float) -> None:
        """Limit all downloads, those that run too; 0 is a standstill, `math.inf` no limit."""

    def bytes_sent(self, offer: Offer) -> int:
        """Bytes of weights that the registry has sent so far."""


class SimulatedBackend:
    """`ollamactl.simulator`."""

    model = TINY_MODEL_NAME

    def __init__(self, simulator: RunningSimulator) -> None:
        self._simulator = simulator
        self.url = simulator.url
        self.registry_url = simulator.registry_url
        simulator.control.install(self.model)

    def offer(self, size: int, *, name: str, version: int = 1) -> Offer:
        self._simulator.control.publish(name, size, version=version)
        return _offer(self.registry_url, self._simulator.registry_host, name)

    def set_speed(self, bytes_per_second: float) -> None:
        self._simulator.control.speed(bytes_per_second)

    def bytes_sent(self, offer: Offer) -> int:
        moved: dict[str, int] = self._simulator.control.counters()["bytes_moved"]
        return moved.get(offer.weights, 0)


class RealBackend:
    """Ollama itself, with a container registry."""

    model = TINY_MODEL_NAME

    def __init__(self, server: OllamaProcess, registry: RegistryProcess) -> None:
        self._registry = registry
        # Bytes that no other test has had: a layer that is known already is not downloaded.
        self._seed = os.urandom(16)
        self.url = server.url
        self.registry_url = registry.url

    def offer(self, size: int, *, name: str, version: int = 1) -> Offer:
        block = hashlib.sha256(self._seed + f"{name} {version}".encode()).digest()
        content = (block * (size // len(block) + 1))[:size]
        self._registry.push_layers([content], name=name)
        return _offer(self.registry_url, self._registry.host, name)

    def set_speed(self, bytes_per_second: float) -> None:
        self._registry.blobs.rate = None if math.isinf(bytes_per_second) else bytes_per_second

    def bytes_sent(self, offer: Offer) -> int:
        return self._registry.blobs.sent


def _offer(registry_url: str, host: str, name: str) -> Offer:
    url = f"{registry_url}/v2/library/{name}/manifests/latest"
    answer = httpx.get(url, headers={"accept": MANIFEST_TYPE}, verify=PLAIN, trust_env=False)
    manifest = answer.raise_for_status().json()
    largest = max(manifest["layers"], key=lambda layer: int(layer["size"]))
    return Offer(
        name=f"{host}/library/{name}:latest",
        repository=f"library/{name}",
        tag="latest",
        weights=largest["digest"],
        size=sum(layer["size"] for layer in (*manifest["layers"], manifest["config"])),
    )
