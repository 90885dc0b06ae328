"""A real registry that Ollama pulls from: docker-registry, with its blobs on a `BlobServer`."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from tests.components.blob_server import BlobServer
from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.waiting import free_port, wait_until

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.ollama.image.model"


@dataclass(frozen=True)
class PushedModel:
    """A model in the registry. `digest` is the one `/api/tags` reports, in bare hex."""

    name: str
    """What to pull: ``localhost:PORT/library/NAME:TAG``, with ``insecure: true``."""
    repository: str
    tag: str
    digest: str
    layer_digests: tuple[str, ...]
    size: int
    """Bytes of all layers and the configuration together."""


class RegistryProcess:
    """docker-registry on loopback. Ollama downloads blobs only over a redirect to another host
    name, so the registry is ``localhost`` and sends it to `blobs` on ``127.0.0.1``."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self.root = folder / "data"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.blobs = BlobServer(self.root)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """The host part of the names to pull: ``localhost:PORT``."""
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://{self.host}"

    def start(self) -> None:
        """Start the registry and its blob server; returns when it answers."""
        self.blobs.start()
        self._launch()

    def kill(self) -> None:
        """End the registry as a crash would: what downloads breaks, and nothing is served."""
        self.blobs.refuse = 503
        self.blobs.cut()
        self._kill()

    def revive(self) -> None:
        """Start it again after `kill`, on the same port with the same models."""
        self._launch()
        self.blobs.refuse = None

    def _launch(self) -> None:
        configuration = self.folder / "config.yml"
        configuration.write_text(json.dumps(self._configuration()))
        with (self.folder / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(
                ending_with_us([self.binary, "serve", configuration]),
                env={"PATH": os.environ.get("PATH", ""), "OTEL_TRACES_EXPORTER": "none"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "the registry answers", timeout=20)

    def stop(self) -> None:
        """End both."""
        self.blobs.stop()
        self._kill()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)

    def push_random_model(
        self, *, size: int = 1_000_000, name: str | None = None, tag: str = "latest"
    ) -> PushedModel:
        """Push a model of `size` random bytes that Ollama pulls and lists like others (it can not
        load it). Without a name it gets one of its own."""
        return self.push_layers([os.urandom(size)], name=name, tag=tag)

    def push_layers(
        self, layers: list[bytes], *, name: str | None = None, tag: str = "latest"
    ) -> PushedModel:
        """Push a model over these layers."""
        repository = name or f"random-{uuid.uuid4().hex[:12]}"
        repository = repository if "/" in repository else f"library/{repository}"
        digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        config = json.dumps(_model_config(digests)).encode()
        with self._client() as client:
            for blob in [*layers, config]:
                self._upload_blob(client, repository, blob)
        described = [
            {"mediaType": LAYER_TYPE, "size": len(layer), "digest": digest}
            for layer, digest in zip(layers, digests, strict=True)
        ]
        return self._push_manifest(repository, tag, config, described)

    def withdraw(self, model: PushedModel) -> None:
        """Have nothing any more under its name; what was pushed stays in the store."""
        repository, _, tag = model.name.removeprefix(f"{self.host}/").partition(":")
        tags = self.root / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        shutil.rmtree(tags / tag)

    def push_stored_model(self, store: Path, model: str, *, name: str | None = None) -> PushedModel:
        """Push a model out of a store of Ollama's (`model` as in ``gemma3:270m``)."""
        stored_name, _, tag = model.partition(":")
        manifest_path = store.joinpath(
            "manifests", "registry.ollama.ai", "library", stored_name, tag or "latest"
        )
        manifest = json.loads(manifest_path.read_bytes())
        repository = f"library/{name or stored_name}"
        config = (store / "blobs" / manifest["config"]["digest"].replace(":", "-")).read_bytes()
        with self._client() as client:
            for layer in manifest["layers"]:
                blob = store / "blobs" / layer["digest"].replace(":", "-")
                self._upload_blob(client, repository, blob.read_bytes())
            self._upload_blob(client, repository, config)
        return self._push_manifest(repository, tag or "latest", config, manifest["layers"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return client.get("/v2/").is_success
        except httpx.TransportError:
            return False

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, verify=PLAIN, trust_env=False)

    def _configuration(self) -> dict[str, Any]:
        # JSON is YAML too.
        return {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.root), "maxthreads": 200},
                "delete": {"enabled": True},
            },
            "middleware": {
                "storage": [{"name": "redirect", "options": {"baseurl": self.blobs.url}}]
            },
            "http": {"addr": f"127.0.0.1:{self.port}"},
        }

    @staticmethod
    def _upload_blob(client: httpx.Client, repository: str, blob: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        started = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
        client.put(
            httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest}),
            content=blob,
            headers={"Content-Type": "application/octet-stream"},
        ).raise_for_status()

    def _push_manifest(
        self, repository: str, tag: str, config: bytes, layers: list[dict[str, Any]]
    ) -> PushedModel:
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": CONFIG_TYPE,
                "size": len(config),
                "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
            },
            "layers": layers,
        }
        body = json.dumps(document).encode()
        with self._client() as client:
            client.put(
                f"/v2/{repository}/manifests/{tag}",
                content=body,
                headers={"Content-Type": MANIFEST_TYPE},
            ).raise_for_status()
        return PushedModel(
            name=f"{self.host}/{repository}:{tag}",
            repository=repository,
            tag=tag,
            digest=hashlib.sha256(body).hexdigest(),
            layer_digests=tuple(layer["digest"] for layer in layers),
            size=len(config) + sum(layer["size"] for layer in layers),
        )


def _model_config(layer_digests: list[str]) -> dict[str, Any]:
    return {
        "model_format": "gguf",
        "model_family": "random",
        "model_families": ["random"],
        "model_type": "1B",
        "file_type": "Q4_0",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": layer_digests},
    }
