"""NVIDIA's library as `pynvml` shows it, on a machine that has none."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

Card = tuple[str | bytes, int, int]


class NvmlError(Exception):
    """What it raises."""


class Nvml(ModuleType):
    """GPUs as (name, total, free), a lost one as None; one call may be `broken`.

    To be put in the place of the module `pynvml`.
    """

    def __init__(self, cards: list[Card | None], broken: str = "") -> None:
        super().__init__("pynvml")
        self._cards, self._broken, self.is_open = cards, broken, False
        for name, call in {
            "NVMLError": NvmlError,
            "nvmlInit": self._init,
            "nvmlShutdown": self._shut_down,
            "nvmlDeviceGetCount": self._count,
            "nvmlDeviceGetHandleByIndex": self._handle,
            "nvmlDeviceGetMemoryInfo": lambda card: SimpleNamespace(total=card[1], free=card[2]),
            "nvmlDeviceGetName": lambda card: card[0],
        }.items():
            setattr(self, name, call)

    def _init(self) -> None:
        self._may("init")
        self.is_open = True

    def _shut_down(self) -> None:
        self.is_open = False

    def _count(self) -> int:
        self._may("count")
        return len(self._cards)

    def _handle(self, index: int) -> Any:
        card = self._cards[index]
        if card is None:
            raise NvmlError("lost")
        return card

    def _may(self, call: str) -> None:
        if call == self._broken:
            raise NvmlError(call)
