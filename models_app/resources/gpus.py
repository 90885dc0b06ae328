"""NVIDIA's GPUs of the machine on which this process runs, by NVML.

https://docs.nvidia.com/deploy/nvml-api/
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

T = TypeVar("T")
_one_at_a_time = threading.Lock()
# Of one card; no driver makes more parts.
MOST_PARTS = 16


class GpuProblem(models.TextChoices):
    """Why nobody can tell whether there is a GPU."""

    NONE = "", _("none")
    NO_DRIVER = "no_driver", _("NVIDIA's driver is not installed")
    NOT_LOADED = "not_loaded", _("NVIDIA's driver is not loaded")
    MISMATCH = "mismatch", _("NVIDIA's driver and its library differ: restart the machine")
    NO_PERMISSION = "no_permission", _("no permission to ask NVIDIA's driver")
    SLOW = "slow", _("NVIDIA's driver did not answer in time")
    FAILED = "failed", _("NVIDIA's driver answers with an error")


class GpuState(models.TextChoices):
    """Why a GPU's memory is not known, where it is not."""

    NONE = "", _("none")
    SHARED = "shared", _("uses the machine's own memory")
    LOST = "lost", _("does not answer any more")
    NO_PERMISSION = "no_permission", _("may not be looked at")
    UNDIVIDED = "undivided", _("MIG is on, and no part of it is made: nothing can use it")
    UNKNOWN = "unknown", _("its memory is not known")


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG part of it, with its memory in bytes; None: this card does not say.

    `utilization` in percent, `temperature` in degrees Celsius, `power` in watts; of a part the last
    two are those of its card. `state`: a `GpuState`.
    """

    name: str
    total: int | None = None
    free: int | None = None
    utilization: int | None = None
    temperature: int | None = None
    power: float | None = None
    state: str = GpuState.NONE.value

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Gpu:
        """What a worker has reported, of whichever version it is."""
        known = {name: said[name] for name in cls.__dataclass_fields__ if name in said}
        return cls(**{"name": "", **known})

    @property
    def problem(self) -> str:
        """Why its memory is not known, in the reader's language; empty where it is."""
        return str(GpuState(self.state).label) if self.state in GpuState.values[1:] else ""


@dataclass(frozen=True)
class Gpus:
    """The cards; None where nobody knows whether there are any, for the reason in `problem`."""

    cards: list[Gpu] | None = None
    problem: str = GpuProblem.NONE.value


def unseen_gpus(*, slow: bool) -> Gpus:
    """What is known where a look at them found nothing, or took too long."""
    return Gpus(problem=(GpuProblem.SLOW if slow else GpuProblem.FAILED).value)


def gpus() -> Gpus:
    """All of them. No card is left out because it does not say something of itself."""
    try:
        import pynvml
    except ImportError:
        return Gpus(problem=GpuProblem.FAILED.value)
    with _one_at_a_time:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return Gpus(problem=_problem(pynvml, error))
        try:
            count = pynvml.nvmlDeviceGetCount()
            return Gpus([gpu for index in range(count) for gpu in _looked_at(pynvml, index)])
        except pynvml.NVMLError as error:
            return Gpus(problem=_problem(pynvml, error))
        finally:
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()


def _problem(nvml: ModuleType, error: Any) -> str:
    known = {
        nvml.NVML_ERROR_LIBRARY_NOT_FOUND: GpuProblem.NO_DRIVER,
        nvml.NVML_ERROR_DRIVER_NOT_LOADED: GpuProblem.NOT_LOADED,
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: GpuProblem.MISMATCH,
        nvml.NVML_ERROR_NO_PERMISSION: GpuProblem.NO_PERMISSION,
    }
    return known.get(error.value, GpuProblem.FAILED).value


def _looked_at(nvml: ModuleType, index: int) -> list[Gpu]:
    """One card, or the parts that MIG has made of it."""
    questions = _Questions(nvml)
    handle = questions.ask(lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if handle is None:
        return [Gpu(f"GPU {index}", state=questions.state)]
    mode = questions.ask(lambda: nvml.nvmlDeviceGetMigMode(handle))
    card = _card(nvml, handle, f"GPU {index}")
    if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
        return [card]
    parts = [
        replace(part, temperature=card.temperature, power=card.power)
        for part in _parts(nvml, questions, handle, card.name)
    ]
    return parts or [_undivided(card, questions.state)]


def _undivided(card: Gpu, refusal: str) -> Gpu:
    """A card whose memory is for parts alone, of which none was seen."""
    is_hidden = refusal in (GpuState.LOST, GpuState.NO_PERMISSION)
    state = card.state or (refusal if is_hidden else GpuState.UNDIVIDED.value)
    return replace(card, total=None, free=None, state=state)


def _parts(nvml: ModuleType, questions: _Questions, handle: Any, name: str) -> list[Gpu]:
    slots = questions.ask(lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    parts = []
    for slot in range(min(slots, MOST_PARTS)):
        part = questions.ask(partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, slot))
        if part is not None:  # else the slot is empty
            parts.append(_card(nvml, part, f"{name} MIG {slot}"))
    return parts


def _card(nvml: ModuleType, handle: Any, name: str) -> Gpu:
    """What a card says of itself; what it does not say is left out."""
    questions = _Questions(nvml)
    said = questions.ask(lambda: nvml.nvmlDeviceGetName(handle))
    memory = questions.ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    state = GpuState.NONE.value if memory is not None else questions.state
    rates = questions.ask(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
    heat = questions.ask(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    milliwatts = questions.ask(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
    if questions.is_lost:  # nothing can be loaded there any more
        memory, state = None, questions.state
    if isinstance(said, bytes):
        said = said.decode(errors="replace")
    return Gpu(
        name=str(said or name)[:100],
        total=int(memory.total) if memory is not None else None,
        free=int(memory.free) if memory is not None else None,
        utilization=int(rates.gpu) if rates is not None else None,
        temperature=int(heat) if heat is not None else None,
        power=round(milliwatts / 1000, 1) if milliwatts is not None else None,
        state=state,
    )


class _Questions:
    """Questions to one card, each of which it may refuse. One that is lost is asked no more."""

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml = nvml
        self._refusal: int | None = None
        self.is_lost = False

    def ask(self, question: Callable[[], T]) -> T | None:
        """The answer; None where there is none."""
        if self.is_lost:
            return None
        try:
            return question()
        except self._nvml.NVMLError as error:
            self._refusal = error.value
            self.is_lost = error.value == self._nvml.NVML_ERROR_GPU_IS_LOST
            return None

    @property
    def state(self) -> str:
        """What the last refusal says of the card."""
        if self.is_lost:
            return GpuState.LOST.value
        known = {
            self._nvml.NVML_ERROR_NOT_SUPPORTED: GpuState.SHARED,
            self._nvml.NVML_ERROR_NO_PERMISSION: GpuState.NO_PERMISSION,
        }
        return known.get(self._refusal, GpuState.UNKNOWN).value
