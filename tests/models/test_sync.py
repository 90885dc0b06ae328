"""A sync brings the rows in line with the server, whatever the two lists are."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.ollama.types import LoadedModel, ModelDetails, TagEntry
from models_app.services.differing import Policy
from models_app.services.listing import Listing
from models_app.services.sync import apply_listing
from tasks_app.choices import State
from tasks_app.models import Task

NAMES = [
    "a:latest",
    "b:7b",
    "team/c:latest",
    "hf.co/user/repo:Q4_K_M",
    "localhost:5000/library/d:1",
]
DIGESTS = ["a" * 64, "b" * 64, "c" * 64]
LISTS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(DIGESTS))


def entry(name: str, digest: str = DIGESTS[0], size: int = 1000) -> TagEntry:
    return TagEntry(
        name=ModelName.parse(name),
        digest=digest,
        size=size,
        modified_at=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        details=ModelDetails(family="llama", parameter_size="1B", quantization="Q4_0"),
    )


def loaded(name: str, digest: str = DIGESTS[0]) -> LoadedModel:
    return LoadedModel(
        name=ModelName.parse(name),
        digest=digest,
        size=2000,
        size_vram=0,
        expires_at=None,
        stopping=False,
        context_length=4096,
        details=ModelDetails(),
    )


def listing(names: dict[str, str], running: list[LoadedModel] | None = None) -> Listing:
    return Listing(tags=[entry(n, d) for n, d in names.items()], loaded=running or [])


@pytest.fixture
def server(db: None) -> OllamaServer:
    return OllamaServer.objects.create(name="s", base_url="http://127.0.0.1:1")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=LISTS, after=LISTS)
def test_any_two_lists_add_up_and_a_second_sync_finds_nothing(
    server: OllamaServer, before: dict[str, str], after: dict[str, str]
) -> None:
    OllamaModel.objects.all().delete()
    apply_listing(server=server, listing=listing(before))
    counts = apply_listing(server=server, listing=listing(after))

    assert counts["added"] == len(after.keys() - before.keys())
    assert counts["deleted"] == len(before.keys() - after.keys())
    both = before.keys() & after.keys()
    assert counts["updated"] == sum(before[name] != after[name] for name in both)
    assert counts["unchanged"] == len(both) - counts["updated"]
    rows = dict(OllamaModel.objects.values_list("name", "digest"))
    assert rows == after

    again = apply_listing(server=server, listing=listing(after))
    assert again == {
        "added": 0,
        "updated": 0,
        "deleted": 0,
        "unchanged": len(after),
        "conflicts": [],
    }


def test_a_row_takes_the_facts_of_the_server(server: OllamaServer) -> None:
    apply_listing(
        server=server,
        listing=listing({"hf.co/user/repo:Q4_K_M": DIGESTS[1]}, [loaded("x", DIGESTS[1])]),
    )
    row = OllamaModel.objects.get()
    assert (row.source, row.status, row.size) == (Source.HUGGINGFACE, ModelStatus.RUNNING, 1000)
    assert (row.family, row.parameter_size, row.quantization) == ("llama", "1B", "Q4_0")
    assert row.loaded is not None
    assert row.loaded["processor"] == "100% CPU"  # an alias of what runs, by its digest
    assert row.loaded["expires_at"] is None


def test_a_live_task_and_a_failed_pull_are_left_alone(server: OllamaServer) -> None:
    task = Task.objects.create(type="model.pull", state=State.RUNNING)
    OllamaModel.objects.create(
        server=server,
        name="a:latest",
        key=ModelName.parse("a").key,
        source=Source.LIBRARY,
        status=ModelStatus.DOWNLOADING,
        last_task=task,
    )
    OllamaModel.objects.create(
        server=server,
        name="b:7b",
        key=ModelName.parse("b:7b").key,
        source=Source.LIBRARY,
        status=ModelStatus.ERROR,
    )
    counts = apply_listing(server=server, listing=listing({"a:latest": DIGESTS[0]}))
    assert counts["unchanged"] == 2
    statuses = set(OllamaModel.objects.values_list("status", flat=True))
    assert statuses == {ModelStatus.DOWNLOADING, ModelStatus.ERROR}


def test_report_lists_what_differs_and_changes_nothing(server: OllamaServer) -> None:
    apply_listing(server=server, listing=listing({"a:latest": DIGESTS[0], "b:7b": DIGESTS[0]}))
    counts = apply_listing(
        server=server, listing=listing({"a:latest": DIGESTS[1]}), policy=Policy("report")
    )
    assert {(c["name"], c["kind"]) for c in counts["conflicts"]} == {
        ("a:latest", "changed"),
        ("b:7b", "gone"),
    }
    assert set(OllamaModel.objects.values_list("digest", flat=True)) == {DIGESTS[0]}


def test_names_are_compared_without_regard_to_case(server: OllamaServer) -> None:
    apply_listing(server=server, listing=listing({"Team/C:Latest": DIGESTS[0]}))
    counts = apply_listing(server=server, listing=listing({"team/c:latest": DIGESTS[0]}))
    assert (counts["added"], counts["updated"], counts["deleted"]) == (0, 1, 0)
    assert OllamaModel.objects.get().name == "team/c:latest"  # as the server writes it now
