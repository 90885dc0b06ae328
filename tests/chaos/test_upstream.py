"""What the scenarios pull from comes back after a kill."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil
import pytest

from chaos.relay import relay
from chaos.scenarios import SCENARIOS
from chaos.stage import Options
from chaos.upstream import simulated_upstream
from tests.components.inventory import MissingComponent
from tests.components.loopback import PLAIN


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


def test_a_relay_leads_to_the_upstream_and_its_port_is_another(tmp_path: Path) -> None:
    with simulated_upstream(tmp_path) as upstream:
        (name,) = upstream.offer(1)
        there = httpx.URL(upstream.url)
        with relay(there.port or 0) as port:
            assert port != there.port
            url = there.copy_with(port=port, path="/api/pull")
            body = {"model": name}
            answer = httpx.post(url, json=body, timeout=60, verify=PLAIN, trust_env=False)
            assert answer.text.splitlines()[-1] == '{"status":"success"}'
        assert upstream.installed()[name] == 1


def test_an_ollama_that_stores_nothing_has_no_disk_to_fill(tmp_path: Path) -> None:
    options = Options(seed=1, pulls=1)
    for name in ("disk-models", "disk-unseen"):
        with pytest.raises(MissingComponent):
            SCENARIOS[name].perform("simulated", tmp_path, options)
