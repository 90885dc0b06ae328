"""What the scenarios pull from comes back after a kill."""

from __future__ import annotations

from pathlib import Path

import psutil

from chaos.upstream import simulated_upstream


def test_the_simulated_ollama_and_its_registry_are_started_as_one(tmp_path: Path) -> None:
    """Whoever starts both finds the process of the first start, which has their port."""
    others = set(psutil.Process().children())
    with simulated_upstream(tmp_path) as upstream:
        upstream.kill()
        upstream.kill_registry()
        assert set(psutil.Process().children()) <= others
        upstream.start_registry()
        (started,) = set(psutil.Process().children()) - others
        upstream.start()
        assert set(psutil.Process().children()) - others == {started}
        assert not upstream.installed()
