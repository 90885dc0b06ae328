"""What the panel's processes find in their environment."""

from __future__ import annotations

from collections.abc import Callable

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import child_environment


def test_compiled_files_are_kept_whatever_an_image_says(make_config: Callable[..., Config]) -> None:
    environment = child_environment(make_config(), {"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C"})
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["LANG"] == "C"
