"""A pull that nobody disturbs: its lines, and what is there afterwards."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from tests.components.loopback import PLAIN
from tests.contract.backends import MANIFEST_TYPE, Backend
from tests.contract.calls import Calls

MB = 1_000_000


def test_lines_tell_each_layer_and_end_with_success(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(2 * MB, name="told")
    backend.set_speed(4 * MB)
    lines = calls.pull(offer.name)
    statuses = [line["status"] for line in lines]
    assert statuses[0] == "pulling manifest"
    assert statuses[-3:] == ["verifying sha256 digest", "writing manifest", "success"]
    layers = lines[1:-3]
    weights = [line for line in layers if line["digest"] == offer.weights]
    assert {line["status"] for line in layers if line in weights} == {
        f"pulling {offer.weights.removeprefix('sha256:')[:12]}"
    }
    assert {line["total"] for line in weights} == {2 * MB}
    completed = [line.get("completed", 0) for line in weights]
    assert completed == sorted(completed)
    assert len(set(completed)) > 3
    assert set(lines[-1]) == {"status"}


def test_numbers_that_are_zero_are_omitted(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(MB, name="omitted")
    backend.set_speed(0)
    with calls.pulling(offer.name) as lines:
        assert next(lines) == {"status": "pulling manifest"}
        line = next(lines)
    assert line == {
        "status": f"pulling {offer.weights.removeprefix('sha256:')[:12]}",
        "digest": offer.weights,
        "total": MB,
    }


def test_digest_is_the_sha256_of_the_manifest_as_served(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(300_000, name="digested")
    calls.pull(offer.name)
    url = f"{backend.registry_url}/v2/{offer.repository}/manifests/{offer.tag}"
    served = httpx.get(url, headers={"accept": MANIFEST_TYPE}, verify=PLAIN, trust_env=False)
    tag = calls.tags()[offer.name]
    assert tag["digest"] == hashlib.sha256(served.content).hexdigest()
    assert served.headers["content-type"] == MANIFEST_TYPE
    assert tag["size"] == offer.size
    assert tag["model"] == offer.name
    assert set(tag["details"]) == {
        "parent_model",
        "format",
        "family",
        "families",
        "parameter_size",
        "quantization_level",
    }


def test_registry_answers_404_for_what_it_does_not_have(backend: Backend) -> None:
    for path in ("library/absent/manifests/latest", f"library/absent/blobs/sha256:{'0' * 64}"):
        answer = httpx.get(f"{backend.registry_url}/v2/{path}", verify=PLAIN, trust_env=False)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"]


def test_second_pull_moves_nothing(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(500_000, name="twice")
    calls.pull(offer.name)
    sent = backend.bytes_sent(offer)
    lines = calls.pull(offer.name)
    assert lines[-1] == {"status": "success"}
    assert backend.bytes_sent(offer) == sent
    layers = [line for line in lines if "digest" in line]
    assert all(line["completed"] == line["total"] for line in layers)
    assert offer.weights in {line["digest"] for line in layers}


def test_pull_without_stream_answers_the_last_line(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(200_000, name="whole")
    order = {"model": offer.name, "insecure": True, "stream": False}
    answer = calls.post("/api/pull", json=order)
    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    assert offer.name in calls.tags()


def test_missing_model_is_an_error_inside_the_stream(backend: Backend, calls: Calls) -> None:
    name = backend.offer(1000, name="present").name.replace("present", "absent")
    assert calls.pull(name) == [
        {"status": "pulling manifest"},
        {"error": "pull model manifest: file does not exist"},
    ]
    order = {"model": name, "insecure": True, "stream": False}
    answer = calls.post("/api/pull", json=order)
    assert answer.status_code == 500
    assert answer.json() == {"error": "pull model manifest: file does not exist"}


def test_plain_http_registry_needs_insecure(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(1000, name="secure")
    for name in (offer.name, f"http://{offer.name}"):
        last = calls.pull(name, insecure=False)[-1]
        assert last["error"].startswith("pull model manifest: Get ")
        assert last["error"].endswith("http: server gave HTTP response to HTTPS client")


@pytest.mark.parametrize("name", ["", "a b", "x:", "../../etc/passwd", "ü", "a/b/c/d:e f"])
def test_invalid_names_are_400(calls: Calls, name: str) -> None:
    answer = calls.post("/api/pull", json={"model": name})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid model name"})


def test_new_version_replaces_the_old_one_and_its_layers(backend: Backend, calls: Calls) -> None:
    old = backend.offer(200_000, name="updated", version=1)
    calls.pull(old.name)
    new = backend.offer(250_000, name="updated", version=2)
    lines = calls.pull(new.name)
    assert [line["status"] for line in lines][-2:] == ["removing unused layers", "success"]
    tag = calls.tags()[new.name]
    assert tag["size"] == new.size
    assert calls.head(f"/api/blobs/{old.weights}").status_code == 404
    assert calls.head(f"/api/blobs/{new.weights}").status_code == 200
