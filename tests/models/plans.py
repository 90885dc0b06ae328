"""Plans of downloads, for the tests of batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit_app.actors import SYSTEM
from models_app.batches.asking import Heard
from models_app.batches.planning import Plan
from models_app.batches.selection import Selection
from models_app.models import OllamaServer, PanelSettings
from models_app.probes import Candidate, Disk
from models_app.services import batches
from ollamactl.simulator.running import RunningSimulator

MB = 1_000_000
NAMES = ["a", "b", "c"]


@pytest.fixture
def published(simulator: RunningSimulator) -> list[str]:
    """Three models of the registry, of 5 MB each."""
    for name in NAMES:
        simulator.control.publish(name, 5 * MB)
    return NAMES


@pytest.fixture
def silent_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them says anything in time where a batch is planned or begins."""
    monkeypatch.setattr("models_app.batches.planning.ask_around", lambda *_args, **_kw: Heard())


def plan_of(names: list[str], *servers: OllamaServer) -> Plan:
    selection = Selection(names=names, servers=[server.pk for server in servers])
    return batches.plan_batch(actor=SYSTEM, operation="pull", selection=selection)


def codes(plan: Plan) -> list[str]:
    return [warning["code"] for warning in plan.warnings]


def on_one_disk(
    monkeypatch: pytest.MonkeyPatch, folders: dict[int, str], *, free: int = 100 * MB
) -> None:
    """Let these servers, by their ids, keep their models in these folders of one disk."""
    monkeypatch.setattr(PanelSettings, "disk_kept", lambda panel, server: 0)
    monkeypatch.setattr(
        Candidate, "disk", lambda candidate: Disk(free, 1, Path(candidate.models[0][0]))
    )
    monkeypatch.setattr(
        "models_app.resources.reserved.local_candidates",
        lambda servers: {
            each.pk: Candidate(((folders[each.pk], ""),)) for each in servers if each.pk in folders
        },
    )
