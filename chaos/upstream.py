"""What the panel pulls from: a real Ollama with a real registry, or the simulated one."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import httpx

from chaos.relay import relay
from tests.components.inventory import OLLAMA, REGISTRY
from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess
from tests.components.waiting import free_port, wait_until

PROJECT = Path(__file__).resolve().parents[1]
LAYERS = 4
LAYER = 250_000  # bytes
MODEL = LAYERS * LAYER
# A model without tensors and keys: an Ollama that starts reads what its models say of themselves.
EMPTY_GGUF = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)


class Upstream(Protocol):
    """An Ollama and its registry, which can be slowed, killed and started again."""

    name: str
    settings: dict[str, str]
    """What the panel has to be told about the registry."""

    @property
    def url(self) -> str:
        """Where this Ollama answers."""

    @property
    def models_dir(self) -> Path | None:
        """The folder of its models; None where it stores no bytes."""

    def offer(self, count: int) -> list[str]:
        """New models of `MODEL` bytes in the registry; returns their names."""

    def pace(self, seconds: float | None, count: int) -> None:
        """Let `count` models take so long; None: as fast as it can be."""

    def kill(self) -> None:
        """SIGKILL to the Ollama."""

    def start(self) -> None:
        """Start it again, on the same port with what it had; does nothing where it runs."""

    def kill_registry(self) -> None:
        """SIGKILL to the registry; its downloads break."""

    def start_registry(self) -> None:
        """Start it again, or do nothing where it runs."""

    def sent(self) -> int | None:
        """Bytes of models that went out since `offer`; None where that is not counted."""

    def installed(self) -> Counter[str]:
        """How often each name is installed."""


class RealUpstream:
    """The processes of the tests' components."""

    name = "real"

    def __init__(self, ollama: OllamaProcess, registry: RegistryProcess) -> None:
        self._ollama = ollama
        self._registry = registry
        self.settings = {"OLLAMACTL_INSECURE_REGISTRIES": registry.host}
        self.port = ollama.port
        """Where it is to be asked, if not where it listens."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def models_dir(self) -> Path:
        return self._ollama.models_dir

    def offer(self, count: int) -> list[str]:
        def push(_number: int) -> str:
            layers = [EMPTY_GGUF + os.urandom(LAYER - len(EMPTY_GGUF)) for _ in range(LAYERS)]
            return self._registry.push_layers(layers).name

        with ThreadPoolExecutor(4) as pool:
            names = list(pool.map(push, range(count)))
        self._registry.blobs.sent = 0
        return names

    def pace(self, seconds: float | None, count: int) -> None:
        self._registry.blobs.rate = None if seconds is None else count * MODEL / seconds

    def kill(self) -> None:
        self._ollama.kill()

    def start(self) -> None:
        self._ollama.start()

    def kill_registry(self) -> None:
        self._registry.kill()

    def start_registry(self) -> None:
        self._registry.revive()

    def sent(self) -> int:
        return self._registry.blobs.sent

    def installed(self) -> Counter[str]:
        return _installed(self.url)


class SimulatedUpstream:
    """The simulated Ollama, which is its own registry, in a process that remembers."""

    name = "simulated"
    models_dir = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._offered: list[dict[str, object]] = []
        self._speed = "unlimited"
        self._process: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def offer(self, count: int) -> list[str]:
        names = [f"chaos-{uuid.uuid4().hex[:12]}:latest" for _ in range(count)]
        self._offered = [{"name": name, "size": MODEL} for name in names]
        self._order(publish=self._offered)
        return names

    def pace(self, seconds: float | None, count: int) -> None:
        self._speed = "unlimited" if seconds is None else f"{max(1, int(MODEL / seconds))}"
        self._order(speed=self._speed)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def start(self) -> None:
        # It is its own registry: whoever starts both would start a second one on the port.
        if self._process is not None and self._process.poll() is None:
            return
        note = self._folder / "ready"
        note.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "ollamactl.simulator", "--control", "--speed", self._speed),
            *("--port", str(self._port), "--state", str(self._folder)),
            *("--ready-file", str(note)),
        ]
        self._process = subprocess.Popen(
            ending_with_us(command), cwd=PROJECT, stdout=subprocess.DEVNULL
        )
        wait_until(note.exists, "the simulated Ollama answers", 60)
        self._order(publish=self._offered)

    def kill_registry(self) -> None:
        self.kill()

    def start_registry(self) -> None:
        self.start()

    def sent(self) -> None:
        return None

    def installed(self) -> Counter[str]:
        return _installed(self.url)

    def _order(self, **orders: object) -> None:
        answer = httpx.post(
            f"{self.url}/_sim/", json=orders, timeout=60, verify=PLAIN, trust_env=False
        )
        answer.raise_for_status()


def _installed(url: str) -> Counter[str]:
    answer = httpx.get(
        f"{url}/api/tags", timeout=30, verify=PLAIN, trust_env=False
    ).raise_for_status()
    return Counter(row["name"] for row in answer.json()["models"])


@contextmanager
def real_upstream(folder: Path) -> Iterator[RealUpstream]:
    """Raises `MissingComponent` where this machine has no Ollama or no registry."""
    binaries = OLLAMA.locate(), REGISTRY.locate()
    (folder / "registry").mkdir()
    with (
        OllamaProcess(binaries[0], folder / "ollama") as ollama,
        RegistryProcess(binaries[1], folder / "registry") as registry,
    ):
        yield RealUpstream(ollama, registry)


@contextmanager
def unseen_upstream(folder: Path) -> Iterator[RealUpstream]:
    """A real one that only a relay leads to: nothing on its way says where it keeps its models."""
    with real_upstream(folder) as upstream, relay(upstream.port) as port:
        upstream.port = port
        yield upstream


@contextmanager
def simulated_upstream(folder: Path) -> Iterator[SimulatedUpstream]:
    """Ends with the block."""
    state = folder / "simulated"
    state.mkdir()
    upstream = SimulatedUpstream(state)
    try:
        upstream.start()
        yield upstream
    finally:
        with suppress(OSError):
            upstream.kill()
