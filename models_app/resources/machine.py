"""Memory and GPUs of the machine on which this process runs."""

from __future__ import annotations

from dataclasses import dataclass

from models_app.resources.gpus import Gpu, GpuProblem, Gpus, gpus, unseen_gpus

__all__ = ["Gpu", "GpuProblem", "Gpus", "Memory", "gpus", "main_memory", "unseen_gpus"]


@dataclass(frozen=True)
class Memory:
    """Bytes: all that the machine has, and what programs could take now."""

    total: int
    free: int


def main_memory() -> Memory:
    """The machine's memory, of which caches can be taken back."""
    import psutil  # loaded for those alone who ask

    memory = psutil.virtual_memory()
    return Memory(total=memory.total, free=memory.available)
