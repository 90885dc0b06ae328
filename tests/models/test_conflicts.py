"""What the panel and a server say differently: found, noted with both sides, and settled."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.models import Benchmark, OllamaModel, OllamaServer, SyncConflict
from models_app.services import conflicts, lifecycle, servers
from models_app.services.differing import Policy
from models_app.services.sync import apply_listing
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tasks_app.choices import State
from tasks_app.execution import work_off
from tasks_app.logs import log_file_exist
from tasks_app.models import Task
from tests.models.conftest import MB, Panel
from tests.models.test_sync import DIGESTS, LISTS, listing

A, B, C = DIGESTS


@pytest.fixture
def server(db: None) -> OllamaServer:
    """A server that was synced before."""
    return OllamaServer.objects.create(
        name="s", base_url="http://127.0.0.1:1", synced_at=timezone.now()
    )


def apply(server: OllamaServer, names: dict[str, str], policy: Policy | None = None) -> Any:
    return apply_listing(server=server, listing=listing(names), policy=policy)


def noted() -> dict[str, tuple[str, str]]:
    rows = SyncConflict.objects.values_list("name", "kind", "state")
    return {name: (kind, state) for name, kind, state in rows}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=LISTS,
    after=LISTS,
    name=st.sampled_from(["server", "report"]),
    settles=st.booleans(),
)
def test_any_two_lists_add_up_under_any_policy(
    server: OllamaServer, before: dict[str, str], after: dict[str, str], name: str, settles: bool
) -> None:
    SyncConflict.objects.all().delete()
    OllamaModel.objects.all().delete()
    apply(server, before)
    policy = Policy(name, settles=settles)
    counts = apply(server, after, policy)
    differing = [each for each in counts["conflicts"] if each["kind"] in ("changed", "gone")]
    told = sum(counts[word] for word in ("added", "updated", "deleted", "unchanged"))
    assert told + len(differing) == len(before.keys() | after.keys())
    assert {each["name"] for each in counts["conflicts"]} == {
        row.name for row in SyncConflict.objects.filter(state="open")
    }

    again = apply(server, after, policy)
    assert (again["added"], again["updated"], again["deleted"]) == (0, 0, 0)
    assert {each["name"] for each in again["conflicts"]} == {each["name"] for each in differing}
    if name == "server":
        assert again["conflicts"] == []
        assert dict(OllamaModel.objects.values_list("name", "digest")) == after


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LISTS, after=LISTS, settles=st.booleans())
def test_any_two_lists_agree_again_where_the_panel_is_right(
    server: OllamaServer, before: dict[str, str], after: dict[str, str], settles: bool
) -> None:
    SyncConflict.objects.all().delete()
    OllamaModel.objects.all().delete()
    Task.objects.all().delete()
    apply(server, before)
    policy, wanted = Policy("panel", settles=settles), {**after, **before}
    differing = {name for name, digest in before.items() if after.get(name) != digest}
    for new in (after.keys() - before.keys(), set()):  # the second sync finds nothing
        counts = apply(server, after, policy)
        assert (counts["added"], counts["updated"], counts["deleted"]) == (len(new), 0, 0)
        assert dict(OllamaModel.objects.values_list("name", "digest")) == wanted
        pulls = Task.objects.filter(type="model.pull").values_list("resource_name", flat=True)
        assert sorted(pulls) == sorted(differing)  # each is pulled again once
    OllamaModel.objects.update(last_task=None)
    Task.objects.update(state=State.SUCCEEDED)  # and the server has what the panel knows
    counts = apply(server, wanted, policy)
    assert counts["unchanged"] + counts["updated"] == len(wanted)
    assert (counts["deleted"], counts["conflicts"]) == (0, [])
    ended = SyncConflict.objects.filter(kind__in=("changed", "gone"))
    assert set(ended.values_list("name", "state", "how")) == {
        (name, "settled", "panel") for name in differing
    }


def test_a_first_sync_finds_only_news(server: OllamaServer) -> None:
    OllamaServer.objects.update(synced_at=None)
    server.refresh_from_db()
    counts = apply(server, {f"m{n}:latest": A for n in range(20)}, Policy("report"))
    assert counts["added"] == 20
    assert not SyncConflict.objects.exists()


def test_both_sides_are_noted(server: OllamaServer) -> None:
    apply(server, {"a:latest": A, "b:7b": B})
    counts = apply(server, {"a:latest": B, "team/c:latest": C, "d:1": B}, Policy("report"))
    assert noted() == {
        "a:latest": ("changed", "open"),
        "b:7b": ("gone", "open"),
        "team/c:latest": ("foreign", "open"),
        "d:1": ("twin", "open"),
    }
    changed = SyncConflict.objects.get(name="a:latest")
    assert changed.panel_side is not None
    assert changed.server_side is not None
    assert (changed.panel_side["digest"], changed.server_side["digest"]) == (A, B)
    assert SyncConflict.objects.get(name="b:7b").server_side is None
    assert SyncConflict.objects.get(name="d:1").panel_side == {"names": ["b:7b"]}
    assert {each["name"] for each in counts["conflicts"]} == set(noted())


def test_what_waits_for_a_person_is_left_alone_by_the_panels_own_syncs(
    server: OllamaServer,
) -> None:
    apply(server, {"a:latest": A, "b:7b": A})
    apply(server, {"a:latest": B}, Policy("report"))
    own = Policy("server", settles=False)
    apply(server, {"a:latest": B}, own)
    assert set(OllamaModel.objects.values_list("digest", flat=True)) == {A}
    apply(server, {"a:latest": B}, Policy("server"))  # by hand: the server is right
    assert dict(OllamaModel.objects.values_list("name", "digest")) == {"a:latest": B}
    assert {state for _kind, state in noted().values()} == {"settled"}


def test_what_agrees_again_is_settled_by_itself(server: OllamaServer) -> None:
    apply(server, {"a:latest": A})
    apply(server, {"a:latest": B}, Policy("report"))
    apply(server, {"a:latest": A}, Policy("report"))
    assert SyncConflict.objects.get().how == "vanished"


def test_what_is_ignored_is_named_again_once_it_changes(server: OllamaServer) -> None:
    apply(server, {"a:latest": A})
    apply(server, {"a:latest": B}, Policy("report"))
    conflicts.settle_conflict(actor=SYSTEM, conflict=SyncConflict.objects.get(), how="ignore")
    assert apply(server, {"a:latest": B}, Policy("report"))["conflicts"] == []
    assert noted() == {"a:latest": ("changed", "ignored")}
    assert len(apply(server, {"a:latest": C}, Policy("report"))["conflicts"]) == 1
    assert noted() == {"a:latest": ("changed", "open")}


def test_taking_the_servers_side(server: OllamaServer) -> None:
    apply(server, {"a:latest": A, "b:7b": A})
    apply(server, {"a:latest": B, "team/c:latest": C}, Policy("report"))
    for conflict in SyncConflict.objects.all():
        conflicts.settle_conflict(actor=SYSTEM, conflict=conflict, how="server")
    rows = dict(OllamaModel.objects.values_list("name", "digest"))
    assert rows == {"a:latest": B, "team/c:latest": C}
    assert AuditRecord.objects.filter(verb="conflict.settle").count() == 3
    some = SyncConflict.objects.filter(state="settled")[0]
    with pytest.raises(Conflict, match="settled already"):
        conflicts.settle_conflict(actor=SYSTEM, conflict=some, how="server")
    with pytest.raises(InvalidInput):
        conflicts.settle_conflict(actor=SYSTEM, conflict=some, how="guess")


def test_one_conflict_a_name(server: OllamaServer) -> None:
    SyncConflict.objects.create(server=server, name="a", key="a", kind="gone")
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncConflict.objects.create(server=server, name="a", key="a", kind="gone")
    SyncConflict.objects.update(state="settled")
    SyncConflict.objects.create(server=server, name="a", key="a", kind="gone")


def _work() -> None:
    for queue in ("default", "pulls", "default"):
        work_off(queue)


def _installed(panel: Panel, simulator: RunningSimulator) -> None:
    for name in ("a", "b"):
        simulator.control.publish(name, MB)
    simulator.control.install("a", "b")
    servers.sync_server(actor=SYSTEM, server=panel.server)
    _work()


def test_the_panels_side_is_pulled_again(panel: Panel, simulator: RunningSimulator) -> None:
    _installed(panel, simulator)
    simulator.control.remove("b")
    task = servers.sync_server(actor=SYSTEM, server=panel.server, on_conflict="panel")
    _work()
    panel.wait(task)
    last = panel.model("b").last_task
    assert last is not None
    assert last.type == "model.pull"
    servers.sync_server(actor=SYSTEM, server=panel.server, on_conflict="panel")
    _work()
    conflict = SyncConflict.objects.get()
    assert (conflict.kind, conflict.state, conflict.how) == ("gone", "settled", "panel")
    assert Task.objects.filter(type="model.pull").count() == 1


def test_a_pull_that_fails_is_not_begun_again_and_again(
    panel: Panel, simulator: RunningSimulator
) -> None:
    _installed(panel, simulator)
    OllamaModel.objects.filter(name="b:latest").update(
        name="never:latest", key="registry.ollama.ai/library/never:latest"
    )
    for _ in range(3):
        servers.sync_server(actor=SYSTEM, server=panel.server, on_conflict="panel")
        _work()
    assert Task.objects.filter(type="model.pull").count() == 1
    assert noted()["never:latest"] == ("gone", "open")


def test_what_somebody_else_has_brought_can_be_deleted(
    panel: Panel, simulator: RunningSimulator
) -> None:
    _installed(panel, simulator)
    simulator.control.publish("c", MB)
    simulator.control.install("c")
    servers.sync_server(actor=SYSTEM, server=panel.server, on_conflict="report")
    _work()
    conflict = SyncConflict.objects.get()
    task = conflicts.settle_conflict(actor=SYSTEM, conflict=conflict, how="panel")
    _work()
    assert task is not None
    panel.wait(task)
    assert not OllamaModel.objects.filter(name="c:latest").exists()


def test_history_stays_when_a_sync_forgets_a_model(
    panel: Panel, simulator: RunningSimulator
) -> None:
    _installed(panel, simulator)
    pulled = panel.pull("b").task
    _work()
    Task.objects.update(finished_at=timezone.now() - dt.timedelta(minutes=1))
    pulled.refresh_from_db()
    measured = Benchmark.objects.create(
        model=panel.model("b"), first_token_seconds=1, token_rate=9, tokens=4
    )
    simulator.control.remove("b")
    servers.sync_server(actor=SYSTEM, server=panel.server)
    _work()
    assert not OllamaModel.objects.filter(name="b:latest").exists()
    assert log_file_exist(Task.objects.get(pk=pulled.pk))
    measured.refresh_from_db()
    assert measured.model is None
    simulator.control.install("b")
    servers.sync_server(actor=SYSTEM, server=panel.server)
    _work()
    assert list(panel.model("b").benchmarks.all()) == [measured]
    lifecycle.delete_model(actor=SYSTEM, model=panel.model("b"))
    _work()
    assert not Benchmark.objects.exists()


def test_the_servers_own_setting_holds(panel: Panel, simulator: RunningSimulator) -> None:
    _installed(panel, simulator)
    OllamaServer.objects.update(on_conflict="report")
    simulator.control.remove("b")
    task = servers.sync_server(actor=SYSTEM, server=panel.server)
    _work()
    assert (panel.wait(task).result or {})["conflicts"][0]["kind"] == "gone"
    panel.server.refresh_from_db()
    assert panel.server.tags_hash  # what is noted is not looked for every minute
