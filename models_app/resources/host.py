"""What the panel sees of the machine on which a server keeps and runs its models."""

from __future__ import annotations

from dataclasses import dataclass

from models_app.models import OllamaServer
from models_app.probes import Candidate, local_candidate, registered_disk_free
from models_app.resources.machine import Gpu, Memory, gpus, main_memory
from models_app.resources.timed import Look

# Each look alone; they go on beside each other and beside the questions over the network.
SECONDS = 1.5


@dataclass(frozen=True)
class Host:
    """Bytes and GPUs; None: nobody can tell. `slow`: what did not answer in time."""

    disk_free: int | None = None
    memory: Memory | None = None
    gpus: list[Gpu] | None = None
    slow: tuple[str, ...] = ()


class HostLook:
    """Looks that have begun; `result` waits for them, each for its own time at most.

    Memory and GPUs count only where the server's models lie on this machine: a port of it may be a
    tunnel or a container.
    """

    def __init__(self, server: OllamaServer) -> None:
        self._registered = registered_disk_free(server)
        candidate = local_candidate(server)
        self._looks = _begin(candidate) if candidate is not None else None

    def result(self) -> Host:
        """What was found in time."""
        if self._looks is None:
            return Host(disk_free=self._registered)
        disk, memory, cards = self._looks
        free, slow_disk = disk.result()
        if free is None:  # without a proof that it is this machine
            return Host(disk_free=self._registered, slow=("disk",) if slow_disk else ())
        seen, slow_memory = memory.result()
        found, slow_gpus = cards.result()
        slow = [name for name, is_slow in (("memory", slow_memory), ("gpu", slow_gpus)) if is_slow]
        own = free if self._registered is None else self._registered
        return Host(disk_free=own, memory=seen, gpus=found, slow=tuple(slow))


class DiskLook:
    """The look at the disk alone."""

    def __init__(self, server: OllamaServer, candidate: Candidate | None) -> None:
        self._registered = registered_disk_free(server)
        self._look: Look[int | None] | None = None
        if candidate is not None and self._registered is None:
            self._look = Look("disk", candidate.disk_free, seconds=SECONDS)

    def result(self) -> Host:
        """What was found in time; without memory and GPUs."""
        if self._look is None:
            return Host(disk_free=self._registered)
        free, slow = self._look.result()
        return Host(disk_free=free, slow=("disk",) if slow else ())


def _begin(
    candidate: Candidate,
) -> tuple[Look[int | None], Look[Memory], Look[list[Gpu] | None]]:
    return (
        Look("disk", candidate.disk_free, seconds=SECONDS),
        Look("memory", main_memory, seconds=SECONDS),
        Look("GPUs", gpus, seconds=SECONDS),
    )
