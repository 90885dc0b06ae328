"""The list of models: its shape, its filters, its orders, its cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from models_app.api.model_serializers import ModelDetailSerializer, ModelSerializer
from models_app.choices import ModelStatus, ServerStatus, Source
from models_app.models import OllamaModel
from tasks_app.api.serializers import TaskSerializer
from tasks_app.choices import State, Unit
from tests.api.queries import count_queries
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

MODELS = "/api/v1/models/"
GB = 1_000_000_000


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.data
    return [row["name"].removesuffix(":latest") for row in answer.data["results"]]


def test_what_is_written_at_once_is_what_is_declared(administrator: APIClient) -> None:
    model = OllamaModelFactory(last_task=TaskFactory())
    row = OllamaModel.objects.for_list().get()
    assert list(ModelSerializer(row).data) == list(ModelSerializer().fields)
    assert list(TaskSerializer(model.last_task).data) == list(TaskSerializer().fields)
    whole = administrator.get(f"{MODELS}{model.pk}/").data
    assert list(whole) == list(ModelDetailSerializer().fields)


def test_a_row_has_the_contracts_fields(administrator: APIClient) -> None:
    task = TaskFactory(state=State.RUNNING, done=5, total=10, unit=Unit.BYTES, rate=2.5)
    model = OllamaModelFactory(
        status=ModelStatus.RUNNING,
        is_loaded=True,
        loaded={
            "size": 10,
            "size_vram": 10,
            "processor": "100% GPU",
            "context_length": 4096,
            "expires_at": "2030-01-01T02:00:00+02:00",
        },
        family="llama",
        last_task=task,
    )
    row = administrator.get(MODELS).data["results"][0]
    assert row == {
        "id": model.pk,
        "name": model.name,
        "server": model.server.pk,
        "server_name": model.server.name,
        "size": 1_000_000,
        "from": "library",
        "status": "running",
        "message": "",
        "log_file_exist": False,
        "created_at": model.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "modified_at": None,
        "digest": model.digest,
        "family": "llama",
        "parameter_size": None,
        "quantization": None,
        "context_length": None,
        "loaded": {
            "size": 10,
            "size_vram": 10,
            "processor": "100% GPU",
            "context_length": 4096,
            "expires_at": "2030-01-01T00:00:00.000000Z",
        },
        "pinned": False,
        "outdated": None,
        "last_used_at": None,
        "task": row["task"],
    }
    assert row["task"]["id"] == task.pk
    assert row["task"]["progress"] == {
        "done": 5,
        "total": 10,
        "unit": "bytes",
        "rate": 2.5,
        "eta_seconds": 2.0,
        "phase": None,
    }


def test_pages_have_links_and_a_count(administrator: APIClient) -> None:
    OllamaModelFactory.create_batch(3, server=OllamaServerFactory())
    first = administrator.get(f"{MODELS}?page_size=2").data
    assert (first["count"], len(first["results"]), first["previous"]) == (3, 2, None)
    second = administrator.get(first["next"]).data
    assert (len(second["results"]), second["next"]) == (1, None)
    assert administrator.get(f"{MODELS}?page=3&page_size=2").status_code == 404


@pytest.fixture
def zoo(db: None) -> None:
    near = OllamaServerFactory(name="near", pk=1)
    gone = OllamaServerFactory(name="gone", pk=2, status=ServerStatus.OFFLINE)
    OllamaModelFactory(
        server=near, name="alpha:latest", size=1 * GB, status=ModelStatus.RUNNING, is_loaded=True
    )
    OllamaModelFactory(server=near, name="beta:latest", size=4 * GB, pinned=True)
    OllamaModelFactory(server=near, name="team/gamma:latest", size=None, outdated=False)
    OllamaModelFactory(server=gone, name="alpha:7b", size=2 * GB, outdated=True)
    OllamaModelFactory(
        server=gone,
        name="hf.co/u/delta:latest",
        source=Source.HUGGINGFACE,
        size=8 * GB,
        status=ModelStatus.ERROR,
        digest="",
    )
    moments = {"alpha:latest": 1, "beta:latest": 2, "team/gamma:latest": 3, "alpha:7b": 4}
    for name, day in moments.items():
        moment = datetime(2025, 1, day, tzinfo=UTC)
        OllamaModel.objects.filter(name=name).update(created_at=moment, last_used_at=moment)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["alpha:7b", "alpha", "beta", "hf.co/u/delta", "team/gamma"]),
        ("search=ALPHA", ["alpha:7b", "alpha"]),
        ("search=%25", []),
        ("name=alpha", ["alpha"]),
        ("name=ALPHA:latest", ["alpha"]),
        ("name=registry.ollama.ai/library/alpha:7b", ["alpha:7b"]),
        ("name=nothing-of-this-name", []),
        ("status=running", ["alpha"]),
        ("status=stopped", ["beta", "team/gamma"]),
        ("status=unavailable", ["alpha:7b"]),
        ("status=unavailable,running", ["alpha:7b", "alpha"]),
        ("status=unavailable&status=error", ["alpha:7b", "hf.co/u/delta"]),
        ("from=huggingface", ["hf.co/u/delta"]),
        ("from=local", []),
        ("server=2", ["alpha:7b", "hf.co/u/delta"]),
        ("server=1,2&search=alpha", ["alpha:7b", "alpha"]),
        ("server=77", []),
        ("server=9223372036854775807", []),
        ("min_size=2GB", ["alpha:7b", "beta", "hf.co/u/delta"]),
        ("min_size=2%20GB&max_size=4000000000", ["alpha:7b", "beta"]),
        ("max_size=1GiB", ["alpha"]),
        (
            "created_after=2025-01-03T00:00:00Z&created_before=2025-01-31",
            ["alpha:7b", "team/gamma"],
        ),
        ("created_before=2025-01-01T02:00:00+02:00", ["alpha"]),
        ("loaded=true", ["alpha"]),
        ("loaded=false&search=alpha", ["alpha:7b"]),
        ("outdated=true", ["alpha:7b"]),
        ("outdated=false", ["team/gamma"]),
        ("pinned=1", ["beta"]),
        ("status=&search=&server=&loaded=&min_size=&name=beta", ["beta"]),
        ("ordering=,,&search=alpha", ["alpha:7b", "alpha"]),
        ("ordering=size", ["alpha", "alpha:7b", "beta", "hf.co/u/delta", "team/gamma"]),
        ("ordering=-size", ["hf.co/u/delta", "beta", "alpha:7b", "alpha", "team/gamma"]),
        ("ordering=-name", ["team/gamma", "hf.co/u/delta", "beta", "alpha", "alpha:7b"]),
        (
            "ordering=created_at&created_before=2025-02-01",
            ["alpha", "beta", "team/gamma", "alpha:7b"],
        ),
        ("ordering=status", ["hf.co/u/delta", "alpha", "beta", "team/gamma", "alpha:7b"]),
        ("ordering=-last_used_at", ["alpha:7b", "team/gamma", "beta", "alpha", "hf.co/u/delta"]),
        ("ordering=status,-name", ["hf.co/u/delta", "alpha", "team/gamma", "beta", "alpha:7b"]),
    ],
)
def test_filters_and_orders(administrator: APIClient, query: str, found: list[str]) -> None:
    assert names(administrator.get(f"{MODELS}?{query}")) == found


def test_ties_are_broken_by_the_id_and_of_statuses_by_the_name(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    rows = OllamaModelFactory.create_batch(5, server=server)  # named in their order
    for order in ("size", "-size", "status", "-last_used_at"):
        answer = administrator.get(f"{MODELS}?ordering={order}")
        assert [row["id"] for row in answer.data["results"]] == [row.pk for row in rows]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("status=sleeping", "status"),
        ("status=running,sleeping", "status"),
        ("from=elsewhere", "from"),
        ("server=one", "server"),
        ("server=99999999999999999999999", "server"),
        ("server=1;drop", "server"),
        ("min_size=huge", "min_size"),
        ("min_size=-1", "min_size"),
        ("max_size=9e99", "max_size"),
        ("max_size=999999999999999999999", "max_size"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2025-13-01", "created_after"),
        ("created_before=0001-01-01T00:00:00%2B14:00", "created_before"),
        ("loaded=maybe", "loaded"),
        ("pinned=2", "pinned"),
        ("ordering=digest", "ordering"),
        ("ordering=name;drop", "ordering"),
        ("ordering=--name", "ordering"),
        ("name=a/b/c/d/e", "name"),
        ("name=x:y:z", "name"),
        ("name=%00", "name"),
        ("search=%00", "search"),
        ("search=" + "x" * 201, "search"),
        ("page=0", "page"),
        ("page=two", "page"),
        ("page=-1", "page"),
        ("page=" + "9" * 5000, "page"),
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("page_size=" + "9" * 5000, "page_size"),
        ("page_size=٣", "page_size"),
        ("colour=red", "colour"),
        ("Status=running", "Status"),
    ],
)
def test_a_bad_parameter_is_400_and_is_named(
    administrator: APIClient, query: str, attr: str
) -> None:
    OllamaModelFactory()
    answer = administrator.get(f"{MODELS}?{query}")
    assert answer.status_code == 400, answer.data
    assert answer.data["type"] == "validation_error"
    error = answer.data["errors"][0]
    assert error["attr"] == attr
    assert len(error["detail"]) > 5


def test_so_many_parameters_are_refused(administrator: APIClient) -> None:
    query = "&".join(f"p{number}=1" for number in range(2000))
    assert administrator.get(f"{MODELS}?{query}").status_code == 400


def test_hundred_models_cost_as_many_queries_as_ten(administrator: APIClient) -> None:
    def add(count: int) -> None:
        for server in OllamaServerFactory.create_batch(count // 5):
            for _ in range(5):
                OllamaModelFactory(server=server, last_task=TaskFactory(parent=TaskFactory()))

    add(10)
    few = count_queries(lambda: administrator.get(f"{MODELS}?page_size=200"))
    add(90)
    assert count_queries(lambda: administrator.get(f"{MODELS}?page_size=200")) == few
