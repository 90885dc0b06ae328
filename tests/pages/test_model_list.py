"""The list of models: what a row says, filters, order, and one fragment for load and swap."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import OllamaModel
from ollamactl.lib.sentences import Sentence
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
HOSTILE = "\"><script>alert(1)</script><b x='{{7*7}}"


def _list(client: Client, **query: str) -> str:
    answer = client.get(reverse("admin:models"), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_row_is_the_same_at_first_load_and_in_a_swap(operator: Client) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    row = operator.get(reverse("admin:model-row", args=[model.pk]), headers=HTMX).content.decode()
    assert row.strip() in _list(operator)


def test_a_download_shows_how_far_it_is(operator: Client) -> None:
    task = TaskFactory(
        state="running", done=500_000_000, total=2_000_000_000, unit="bytes", rate=50_000_000.0,
        phase="downloading",
    )  # fmt: skip
    OllamaModelFactory(status="downloading", digest="", size=None, last_task=task)
    page = _list(operator)
    assert f'data-live="task:{task.pk}"' in page
    assert 'value="500000000" max="2000000000"' in page
    for text in ("25%", "500 MB", "2 GB", "50 MB/s", "30s", "downloading"):
        assert text in page


def test_a_running_model_shows_its_memory(viewer: Client) -> None:
    loaded = {
        "size": 3_400_000_000,
        "size_vram": 3_400_000_000,
        "processor": "100% GPU",
        "expires_at": None,
    }
    OllamaModelFactory(status="running", is_loaded=True, loaded=loaded)
    page = _list(viewer)
    for text in ("3.4 GB", "100% GPU", "until stopped"):
        assert text in page


def test_a_failure_says_what_to_do(viewer: Client) -> None:
    OllamaModelFactory(
        status="error",
        message=Sentence("There is no model “{name}”. Check the name.", name="lama"),
        digest="",
    )
    assert "There is no model “lama”. Check the name." in _list(viewer)


def test_a_model_of_a_server_that_is_gone_is_unavailable(operator: Client) -> None:
    model = OllamaModelFactory(server=OllamaServerFactory(status="offline"))
    page = _list(operator)
    assert "unavailable" in page
    assert f"model-{model.pk}-start" not in page


def test_names_from_outside_are_escaped(administrator: Client) -> None:
    server = OllamaServerFactory(name=HOSTILE[:90], message=HOSTILE)
    model = OllamaModelFactory(
        server=server, name=HOSTILE, key="x", message=HOSTILE, family=HOSTILE
    )
    task = TaskFactory(
        resource_name=HOSTILE, resource_id=model.pk, state="failed",
        error={"code": "x", "detail": HOSTILE, "retryable": False},
    )  # fmt: skip
    pages = [
        reverse("admin:index"),
        reverse("admin:models"),
        reverse("admin:model", args=[model.pk]),
        reverse("admin:model-confirm", args=[model.pk, "delete"]),
        reverse("admin:servers"),
        reverse("admin:server", args=[server.pk]),
        reverse("admin:server-edit", args=[server.pk]),
        reverse("admin:tasks"),
        reverse("admin:task", args=[task.pk]),
        reverse("admin:models_app_ollamamodel_changelist"),
        reverse("admin:tasks_app_task_changelist"),
    ]
    for url in pages:
        content = administrator.get(url).content.decode()
        assert "<script>alert(1)" not in content, url
        assert "&lt;script&gt;alert(1)" in content, url


@pytest.fixture
def rows() -> dict[str, OllamaModel]:
    """Models that differ in everything that a filter knows."""
    east, west = OllamaServerFactory(name="east"), OllamaServerFactory(name="west")
    return {
        "alpha": OllamaModelFactory(name="alpha:latest", server=east, size=30),
        "beta": OllamaModelFactory(
            name="beta:latest", server=west, size=10, status="running", is_loaded=True
        ),
        "hf": OllamaModelFactory(
            name="hf.co/a/gamma:q4", server=west, size=20, source="huggingface"
        ),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "ALPH"}, ["alpha"]),
        ({"status": "running"}, ["beta"]),
        ({"from": "huggingface"}, ["hf"]),
        ({"server": "west"}, ["beta", "hf"]),
        ({"search": "", "status": "", "server": ""}, ["alpha", "beta", "hf"]),
        ({"ordering": "size"}, ["beta", "hf", "alpha"]),
        ({"ordering": "-size"}, ["alpha", "hf", "beta"]),
        ({"search": "nothing like this"}, []),
    ],
)
def test_filters_and_order(
    viewer: Client, rows: dict[str, OllamaModel], query: dict[str, str], expected: list[str]
) -> None:
    if query.get("server"):
        query = {"server": str(rows["beta"].server_id)}
    shown = [int(pk) for pk in re.findall(r'<tr id="model-(\d+)"', _list(viewer, **query))]
    assert shown == [rows[name].pk for name in expected]


def test_the_address_keeps_what_was_asked(viewer: Client, rows: dict[str, OllamaModel]) -> None:
    url = reverse("admin:models")
    query = {"search": "a", "status": "", "ordering": "-size", "page": "1"}
    answer = viewer.get(url, query, headers=HTMX)
    assert answer.headers["HX-Push-Url"] == f"{url}?search=a&ordering=-size"
    content = answer.content.decode()
    assert content.startswith('<div id="oc-list"')
    assert f'hx-get="{url}?search=a&amp;ordering=-size"' in content
    assert "<html" not in content


def test_a_wrong_filter_says_so(viewer: Client) -> None:
    page = _list(viewer, status="nonsense")
    assert "nonsense" in page
    assert "Clear the filters" in page


def test_the_row_of_a_model_that_is_gone_leaves(viewer: Client) -> None:
    answer = viewer.get(reverse("admin:model-row", args=[999_999]), headers=HTMX)
    assert (answer.status_code, answer.content) == (200, b"")
    panel = viewer.get(reverse("admin:model-panel", args=[999_999]), headers=HTMX)
    assert "This model is gone" in panel.content.decode()
    assert viewer.get(reverse("admin:model", args=[999_999])).status_code == 404
