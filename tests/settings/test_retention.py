"""How long records are kept comes from the environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ollamactl.settings.env import Config, ConfigurationError
from ollamactl.settings.retention import DEFAULTS, LONGEST

NAMES = {name: name.split("_")[2].lower() for name in DEFAULTS}


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize(("value", "days"), [("7", 7), (" 12 ", 12), ("0", None), ("", None)])
def test_days_are_read_and_nothing_is_for_ever(name: str, value: str, days: int | None) -> None:
    kept = getattr(Config.from_environ({name: value}).retention, NAMES[name])
    assert kept == (timedelta(days=days) if days else None)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    kept = getattr(Config.from_environ({}).retention, NAMES[name])
    assert kept == (timedelta(days=DEFAULTS[name]) or None)


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("value", ["-1", "3.5", "a week", "²", "1e3", str(LONGEST + 1), "9" * 30])
def test_anything_else_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Config.from_environ({name: value})
    assert str(problem.value).startswith(f"{name}: ")
    assert "number of days" in str(problem.value)
