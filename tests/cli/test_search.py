"""`search`: the catalogue as a table, and as JSON."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel

FAMILY: dict[str, Any] = {
    "name": "qwen3",
    "as_of": "2025-09-30",
    "tags": [
        {
            "name": "qwen3:8b",
            "parameter_size": "8.2B",
            "size": 5_230_000_000,
            "quantization": "Q4_K_M",
            "fits": None,
            "lacks": None,
        }
    ],
}


def test_downloads_are_a_table(user: Run, panel: FakePanel) -> None:
    panel.rows("catalogue/", [FAMILY])
    result = user("search", "qwen")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "NAME        PARAMETERS    SIZE      QUANTIZATION",
        "qwen3:8b    8.2B          5.2 GB    Q4_K_M",
    ]
    assert "2025-09-30" in result.stderr


def test_json_is_the_families(user: Run, panel: FakePanel) -> None:
    panel.rows("catalogue/", [FAMILY])
    assert json.loads(user("search", "--json").stdout) == [FAMILY]


def test_an_unknown_name_is_pulled_from_its_registry(user: Run, panel: FakePanel) -> None:
    panel.rows("catalogue/", [])
    result = user("search", "my-model")
    assert result.exit_code == 0
    assert "ollamactl pull my-model" in result.stderr


def test_room_needs_a_server(user: Run, panel: FakePanel) -> None:
    assert user("search", "--fits").exit_code == 2
