"""What a process does not load, and that it is there when somebody wants it later."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ollamactl.lib.quick_imports import quick_imports

LOADED = """
import sys
import ollamactl.asgi
unwanted = ("psycopg", "requests", "pygments", "rich", "markdown_it")
print(sorted({name.partition(".")[0] for name in sys.modules} & set(unwanted)))
import requests, pygments
"""


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of `LEFT_OUT`, as if it had not been loaded yet."""
    monkeypatch.delitem(sys.modules, "pygments", raising=False)
    return "pygments"


def test_it_is_away_and_comes_back(forgotten: str) -> None:
    with quick_imports(postgresql=False):
        assert not gc.isenabled()
        with pytest.raises(ImportError):
            importlib.import_module(forgotten)
    assert gc.isenabled()
    assert importlib.import_module(forgotten).__version__


def test_what_is_loaded_already_stays() -> None:
    import requests

    with quick_imports(postgresql=True):
        assert importlib.import_module("requests") is requests


def test_everything_is_as_before_after_a_failure(forgotten: str) -> None:
    with pytest.raises(RuntimeError), quick_imports(postgresql=False):
        raise RuntimeError
    assert gc.isenabled()
    assert forgotten not in sys.modules


def test_a_web_process_loads_none_of_it(tmp_path: Path) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("OLLAMACTL_")},
        "OLLAMACTL_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base",
    }
    run = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.strip() == "[]"
