"""NVIDIA's library as `pynvml` shows it, on a machine that has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, NOT_LOADED = 3, 4, 6, 9
LIBRARY_NOT_FOUND, IS_LOST, MISMATCH, UNKNOWN = 12, 15, 18, 999
CODES = {
    "NVML_ERROR_NOT_SUPPORTED": NOT_SUPPORTED,
    "NVML_ERROR_NO_PERMISSION": NO_PERMISSION,
    "NVML_ERROR_DRIVER_NOT_LOADED": NOT_LOADED,
    "NVML_ERROR_LIBRARY_NOT_FOUND": LIBRARY_NOT_FOUND,
    "NVML_ERROR_GPU_IS_LOST": IS_LOST,
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH": MISMATCH,
    "NVML_DEVICE_MIG_ENABLE": 1,
    "NVML_TEMPERATURE_GPU": 0,
}


class NvmlError(Exception):
    """What it raises, with NVML's number."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


@dataclass
class Card:
    """One GPU: bytes, percent, degrees, milliwatts. `refuses`: the errors of its calls by the
    calls' names without `nvmlDeviceGet`. `parts`: those of MIG, None for an empty slot."""

    name: str | bytes = "Card"
    total: int = 24
    free: int = 20
    utilization: int = 35
    temperature: int = 61
    power: int = 120_400
    refuses: dict[str, int] = field(default_factory=dict)
    parts: list[Card | None] | None = None


class Nvml(ModuleType):
    """To be put in the place of the module `pynvml`. `broken`: a number of an error, which the call
    `at` raises: `init` or `count`."""

    def __init__(self, cards: list[Card], broken: int = 0, at: str = "init") -> None:
        super().__init__("pynvml")
        self._cards, self._broken, self._at, self.is_open = cards, broken, at, False
        self.asked: list[str] = []
        for name, value in {**CODES, "NVMLError": NvmlError}.items():
            setattr(self, name, value)
        self.nvmlInit, self.nvmlShutdown = self._init, self._shut_down
        self.nvmlDeviceGetCount = self._count
        self.nvmlDeviceGetHandleByIndex = lambda index: self._of(cards[index], "HandleByIndex")
        for call, answer in ANSWERS.items():
            setattr(self, f"nvmlDeviceGet{call}", self._call(call, answer))

    def _call(self, call: str, answer: Any) -> Any:
        return lambda card, *more: answer(self._of(card, call), *more)

    def _of(self, card: Card, call: str) -> Card:
        self.asked.append(call)
        if call in card.refuses:
            raise NvmlError(card.refuses[call])
        return card

    def _init(self) -> None:
        self._may("init")
        self.is_open = True

    def _shut_down(self) -> None:
        self.is_open = False

    def _count(self) -> int:
        self._may("count")
        return len(self._cards)

    def _may(self, call: str) -> None:
        if self._broken and call == self._at:
            raise NvmlError(self._broken)


def _part(card: Card, slot: int) -> Card:
    part = (card.parts or [])[slot]
    if part is None:
        raise NvmlError(NOT_FOUND)
    return part


ANSWERS: dict[str, Any] = {
    "Name": lambda card: card.name,
    "MemoryInfo": lambda card: SimpleNamespace(total=card.total, free=card.free),
    "UtilizationRates": lambda card: SimpleNamespace(gpu=card.utilization, memory=0),
    "Temperature": lambda card, _sensor: card.temperature,
    "PowerUsage": lambda card: card.power,
    "MigMode": lambda card: (int(card.parts is not None),) * 2,
    "MaxMigDeviceCount": lambda card: len(card.parts or []),
    "MigDeviceHandleByIndex": _part,
}
