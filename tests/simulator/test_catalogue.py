"""The catalogue: what can be pulled, and many models at once."""

from __future__ import annotations

import hashlib

from ollamactl.simulator.catalogue import FAMILIES, known_models
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.contract.calls import Calls


def test_catalogue_is_whole_and_its_manifests_are_real() -> None:
    models = dict(known_models())
    assert len(FAMILIES) >= 30
    assert len({name.key for name in models}) == len(models)
    for name, manifest in models.items():
        assert manifest.digest == hashlib.sha256(manifest.raw).hexdigest()
        assert (manifest.weights is None) == name.is_cloud, name
        for blob in manifest.blobs:
            if blob.content is not None:
                assert blob.digest == f"sha256:{hashlib.sha256(blob.content).hexdigest()}"
                assert blob.size == len(blob.content)


def test_config_blob_is_served_and_weights_are_not(calls: Calls) -> None:
    manifest = calls.get("/v2/library/llama3.2/manifests/1b").json()
    config = manifest["config"]["digest"]
    served = calls.get(f"/v2/library/llama3.2/blobs/{config}")
    assert f"sha256:{hashlib.sha256(served.content).hexdigest()}" == config
    assert served.json()["model_type"] == "1.2B"
    weights = manifest["layers"][0]["digest"]
    assert calls.get(f"/v2/library/llama3.2/blobs/{weights}").status_code == 404


def test_models_that_share_weights_download_them_once(
    simulator: RunningSimulator, calls: Calls
) -> None:
    simulator.control.speed(float("inf"))
    calls.pull("llama3.2")
    before = simulator.control.counters()["bytes_moved"]
    assert calls.pull("demo/assistant")[-1] == {"status": "success"}
    after = simulator.control.counters()["bytes_moved"]
    assert sum(after.values()) - sum(before.values()) < 10_000


def test_hub_models_and_made_up_ones_are_pulled_too(
    simulator: RunningSimulator, calls: Calls
) -> None:
    simulator.control.speed(float("inf"))
    for name in ("hf.co/unsloth/Qwen3-4B-GGUF:Q8_0", "sim-00042:latest"):
        assert calls.pull(name)[-1] == {"status": "success"}
        assert name in calls.tags()


def test_cloud_model_is_a_stub_that_runs_elsewhere(calls: Calls) -> None:
    assert calls.pull("gpt-oss:120b-cloud")[-1] == {"status": "success"}
    tag = calls.tags()["gpt-oss:120b-cloud"]
    assert tag["remote_host"] == "https://ollama.com:443"
    assert tag["remote_model"] == "gpt-oss:120b"
    assert tag["size"] < 1000


def test_registry_of_a_host_that_is_not_there(calls: Calls) -> None:
    error = calls.pull("registry.example.com/library/llama3.2")[-1]["error"]
    assert error.endswith("dial tcp: lookup registry.example.com: no such host")


def test_thousands_of_models_are_listed_each_as_another() -> None:
    with running_simulator(models=5000) as simulator, Calls(simulator.url) as calls:
        tags = calls.tags()
        assert len(tags) == 5000
        assert len({model["digest"] for model in tags.values()}) == 5000
