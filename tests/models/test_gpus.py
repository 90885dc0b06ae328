"""GPUs by NVML: each question that a card may refuse, and each reason why nobody knows."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from models_app.resources.gpus import Gpu, GpuProblem, Gpus, GpuState, gpus
from tests.helpers.nvml import (
    IS_LOST,
    LIBRARY_NOT_FOUND,
    MISMATCH,
    NO_PERMISSION,
    NOT_LOADED,
    NOT_SUPPORTED,
    UNKNOWN,
    Card,
    Nvml,
)

WHOLE = Gpu("Card", 24, 20, 35, 61, 120.4)
SILENT: dict[str, Any] = {"utilization": None, "temperature": None, "power": None}


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Any:
    def at(*cards: Card, **broken: Any) -> Gpus:
        nvml = Nvml(list(cards), **broken)
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        found = gpus()
        assert not nvml.is_open
        return found

    return at


def test_what_cards_say(look: Any) -> None:
    assert look(Card(), Card(b"Two \xff", 48, 40)) == Gpus(
        [WHOLE, replace(WHOLE, name="Two �", total=48, free=40)]
    )


@pytest.mark.parametrize(
    ("call", "without"),
    [
        ("UtilizationRates", {"utilization": None}),
        ("Temperature", {"temperature": None}),
        ("PowerUsage", {"power": None}),
        ("Name", {"name": "GPU 0"}),
        ("MigMode", {}),
        ("MemoryInfo", {"total": None, "free": None, "state": "shared"}),
    ],
)
def test_what_a_card_does_not_support_is_left_out(
    look: Any, call: str, without: dict[str, Any]
) -> None:
    found = look(Card(refuses={call: NOT_SUPPORTED}), Card("Other"))
    assert found == Gpus([replace(WHOLE, **without), replace(WHOLE, name="Other")])


@pytest.mark.parametrize(
    ("error", "state"),
    [(NO_PERMISSION, GpuState.NO_PERMISSION), (UNKNOWN, GpuState.UNKNOWN)],
)
@pytest.mark.parametrize("call", ["MemoryInfo", "HandleByIndex"])
def test_a_refusal_is_said(look: Any, call: str, error: int, state: GpuState) -> None:
    card = look(Card(refuses={call: error})).cards[0]
    assert (card.total, card.free, card.state) == (None, None, state)
    assert card.problem == state.label


def test_a_card_with_the_machines_own_memory(look: Any) -> None:
    refused = ("MemoryInfo", "PowerUsage", "MigMode")
    card = Card("NVIDIA GB10", refuses=dict.fromkeys(refused, NOT_SUPPORTED))
    (found,) = look(card).cards
    assert found == Gpu("NVIDIA GB10", None, None, 35, 61, None, "shared")
    assert found.problem == "uses the machine's own memory"


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("HandleByIndex", Gpu("GPU 0", state="lost")),
        ("Name", Gpu("GPU 0", state="lost")),
        ("MemoryInfo", Gpu("Card", state="lost")),
        ("UtilizationRates", replace(WHOLE, **SILENT, state="lost")),
        ("Temperature", replace(WHOLE, temperature=None, power=None, state="lost")),
        ("PowerUsage", replace(WHOLE, power=None, state="lost")),
    ],
)
def test_a_card_that_falls_off_the_bus_in_the_middle(look: Any, call: str, seen: Gpu) -> None:
    found = look(Card(refuses={call: IS_LOST}), Card("Two"))
    no_memory: dict[str, Any] = {"total": None, "free": None}  # nothing can be loaded there
    assert found == Gpus([replace(seen, **no_memory), replace(WHOLE, name="Two")])


def test_parts_of_a_card(look: Any) -> None:
    deaf = dict.fromkeys(("Temperature", "PowerUsage", "UtilizationRates"), NOT_SUPPORTED)
    parts = [Card("Card MIG 1g.5gb", 5, 4, refuses=deaf), None, Card("", 10, 9, refuses=deaf)]
    assert look(Card(parts=parts)).cards == [
        Gpu("Card MIG 1g.5gb", 5, 4, None, 61, 120.4),
        Gpu("Card MIG 2", 10, 9, None, 61, 120.4),
    ]


def test_a_card_that_is_to_be_divided_and_is_not(look: Any) -> None:
    (card,) = look(Card(parts=[None, None])).cards
    assert (card.total, card.free, card.state) == (None, None, "undivided")


@pytest.mark.parametrize(
    ("error", "state"),
    [(NO_PERMISSION, "no_permission"), (IS_LOST, "lost"), (UNKNOWN, "undivided")],
)
@pytest.mark.parametrize("call", ["MaxMigDeviceCount", "MigDeviceHandleByIndex"])
def test_a_divided_card_that_does_not_show_its_parts(
    look: Any, call: str, error: int, state: str
) -> None:
    (card,) = look(Card(parts=[Card("part")], refuses={call: error})).cards
    assert (card.name, card.free, card.state) == ("Card", None, state)


def test_there_is_no_card(look: Any) -> None:
    assert look() == Gpus([])


@pytest.mark.parametrize("at", ["init", "count"])
@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (LIBRARY_NOT_FOUND, GpuProblem.NO_DRIVER),
        (NOT_LOADED, GpuProblem.NOT_LOADED),
        (MISMATCH, GpuProblem.MISMATCH),
        (NO_PERMISSION, GpuProblem.NO_PERMISSION),
        (UNKNOWN, GpuProblem.FAILED),
    ],
)
def test_why_nobody_knows(look: Any, at: str, error: int, problem: GpuProblem) -> None:
    assert look(Card(), broken=error, at=at) == Gpus(None, problem)


def test_without_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpus() == Gpus(None, GpuProblem.FAILED)


def test_the_real_library_has_all_that_is_asked() -> None:
    found = gpus()
    assert (found.cards is None) == bool(found.problem)


def test_a_report_of_another_version() -> None:
    assert Gpu.from_json({"name": "Old", "total": 24, "free": 20}) == Gpu("Old", 24, 20)
    assert Gpu.from_json({"total": None, "news": 1, "state": "of the future"}).problem == ""
