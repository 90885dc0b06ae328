"""Memory and GPUs of the machine on which this process runs."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from types import ModuleType

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Memory:
    """Bytes: all that the machine has, and what programs could take now."""

    total: int
    free: int


@dataclass(frozen=True)
class Gpu:
    """One GPU with its memory in bytes."""

    name: str
    total: int
    free: int


def main_memory() -> Memory:
    """The machine's memory, of which caches can be taken back."""
    import psutil  # loaded for those alone who ask

    memory = psutil.virtual_memory()
    return Memory(total=memory.total, free=memory.available)


def gpus() -> list[Gpu] | None:
    """The NVIDIA GPUs by NVML; None where there is no driver, and nobody knows.

    https://docs.nvidia.com/deploy/nvml-api/
    """
    try:
        import pynvml
    except ImportError:
        return None
    with _one_at_a_time:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return None
        try:
            count = pynvml.nvmlDeviceGetCount()
            return [gpu for index in range(count) if (gpu := _gpu(pynvml, index)) is not None]
        except pynvml.NVMLError:
            return None
        finally:
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def _gpu(nvml: ModuleType, index: int) -> Gpu | None:
    """One GPU; None for one that is lost, or whose memory is the machine's own."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        name = nvml.nvmlDeviceGetName(handle)
    except nvml.NVMLError:
        return None
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return Gpu(name=text[:100], total=int(memory.total), free=int(memory.free))
