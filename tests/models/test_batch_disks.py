"""Whether many downloads fit on the disks of their servers, which may share one."""

from __future__ import annotations

import pytest

from models_app.models import OllamaServer
from models_app.probes import Candidate
from models_app.resources.estimates import assumed_size
from models_app.services.preflight import check_pull
from ollamactl.simulator.running import RunningSimulator
from tasks_app.models import Task
from tests.factories import TaskFactory
from tests.models.conftest import MB, row_of
from tests.models.plans import codes, on_one_disk, plan_of

Simulator = RunningSimulator


def test_servers_that_share_a_folder_need_each_layer_once(
    server: OllamaServer,
    simulator: Simulator,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin_url = simulator.url.replace("127.0.0.1", "localhost")
    twin = row_of(simulator, "twin", base_url=twin_url)
    # A third server downloads already, to the same disk.
    busy = OllamaServer.objects.create(name="busy", base_url="http://127.0.0.1:9")
    TaskFactory(type="model.pull", limit_key=f"server.pulls:{busy.pk}", payload={"needed": 9 * MB})
    on_one_disk(monkeypatch, {server.pk: "/a", twin.pk: "/a", busy.pk: "/b"})
    plan = plan_of(published, server, twin)
    one, other = plan.servers
    assert one.needed == other.needed
    assert one.disk == other.disk
    assert one.disk["needed"] == one.needed.bytes
    assert one.disk["reserved"] == 9 * MB
    on_one_disk(monkeypatch, {server.pk: "/a", twin.pk: "/b"}, free=20 * MB)
    plan = plan_of(published, server, twin)  # each fits alone, both together do not
    assert plan.servers[0].disk["needed"] == 2 * (one.needed.bytes or 0)
    assert codes(plan) == ["disk_too_small"]
    assert "The disk of “sim, twin” has 20 MB free" in str(plan.warnings[0]["detail"])


def test_a_single_check_counts_downloads_of_other_servers_on_its_disk(
    server: OllamaServer,
    simulator: Simulator,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the plan of a batch does."""
    busy = OllamaServer.objects.create(name="busy", base_url="http://127.0.0.1:9")
    TaskFactory(type="model.pull", limit_key=f"server.pulls:{busy.pk}", payload={"needed": 9 * MB})
    folders = {server.pk: "/a", busy.pk: "/b"}
    monkeypatch.setattr(
        "models_app.resources.host.local_candidate",
        lambda each: Candidate(((folders[each.pk], ""),)),
    )
    on_one_disk(monkeypatch, folders)
    single = check_pull(server=server, name="a").disk
    assert single["reserved"] == 9 * MB
    assert plan_of(["a"], server).servers[0].disk["reserved"] == single["reserved"]
    on_one_disk(monkeypatch, folders, free=13 * MB)  # it would fit alone
    assert check_pull(server=server, name="a").disk["state"] == "block"


def test_a_disk_that_is_too_small_for_all_of_them(
    server: OllamaServer, published: list[str], disk: dict[str, int]
) -> None:
    disk["free"] = 12 * MB  # two of them fit
    plan = plan_of(published, server)
    assert codes(plan) == ["disk_too_small"]
    assert "The disk of “sim” has 12 MB free" in str(plan.warnings[0]["detail"])
    assert plan.servers[0].disk["state"] == "block"
    assert plan.counts()["will"] == 3  # it is said, and not forbidden
    assert codes(plan_of(published[:2], server)) == []


def test_a_guess_of_others_warns_and_never_blocks(
    server: OllamaServer, published: list[str], disk: dict[str, int]
) -> None:
    """A download of unknown size keeps its room until its registry says what it is."""
    fields = {"type": "model.pull", "limit_key": f"server.pulls:{server.pk}"}
    unknown = TaskFactory(**fields, payload={"needed": None})
    disk["free"] = assumed_size() + 2 * MB
    found = check_pull(server=server, name="a")
    assert found.verdict == found.disk["state"] == "warn"
    assert found.disk["reserved"] == found.disk["reserved_guessed"] == assumed_size()
    assert "Other downloads may need" in str(found.reasons[0]["detail"])
    planned = plan_of(["a"], server)
    assert codes(planned) == ["disk_maybe_too_small"]
    assert planned.servers[0].disk["reserved_guessed"] == assumed_size()

    Task.objects.filter(pk=unknown.pk).update(total=3 * MB, done=MB)
    found = check_pull(server=server, name="a")
    assert (found.disk["reserved"], found.disk["reserved_guessed"]) == (2 * MB, 0)
    assert found.verdict == "ok"
    TaskFactory(**fields, payload={"needed": assumed_size()})
    assert check_pull(server=server, name="a").verdict == "block"
