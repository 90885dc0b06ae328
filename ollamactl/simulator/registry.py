"""The simulated registry: what can be pulled, and how it answers `/v2/`."""

from __future__ import annotations

import ipaddress
import re

from ollamactl.simulator import catalogue
from ollamactl.simulator.http_server import Request, Response
from ollamactl.simulator.manifests import MANIFEST_TYPE, Layer, Manifest
from ollamactl.simulator.names import DEFAULT_HOST, Name, parse_name

_MADE_UP = re.compile(r"library/sim-(\d{5,7}):latest")
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")
_PUBLIC_HOSTS = frozenset({DEFAULT_HOST, "hf.co", "huggingface.co"})


class Registry:
    """Models by namespace, name and tag; one catalogue stands for every host."""

    def __init__(self) -> None:
        self._models: dict[str, Manifest] = {}
        self._blobs: dict[str, Layer] = {}
        for name, manifest in catalogue.known_models():
            self.publish(name, manifest)

    def publish(self, name: Name, manifest: Manifest) -> None:
        """Offer a model, in place of what this name named before."""
        self._models[name.without_host] = manifest
        self._blobs.update((blob.digest, blob) for blob in manifest.blobs)

    def withdraw(self, name: Name) -> None:
        self._models.pop(name.without_host, None)

    def find(self, name: Name) -> Manifest | None:
        found = self._models.get(name.without_host)
        if found is None and (match := _MADE_UP.fullmatch(name.without_host)):
            found = catalogue.made_up_model(int(match[1]))
            self._blobs.update((blob.digest, blob) for blob in found.blobs)
        return found

    def names(self) -> list[str]:
        """`namespace/model:tag` of each model of the catalogue."""
        return list(self._models)

    def answer(self, request: Request) -> Response:
        """Answer a GET or HEAD below `/v2/`."""
        if request.method not in {"GET", "HEAD"}:
            return _refusal("UNSUPPORTED", "The simulated registry takes no uploads.", 405)
        if request.path == "/v2/":
            return Response.json({})
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _refusal("NAME_UNKNOWN", "repository name not known to registry", 404)
        if match["kind"] == "manifests":
            return self._manifest(match["name"], match["reference"])
        return self._blob(match["reference"])

    def _manifest(self, repository: str, tag: str) -> Response:
        name = parse_name(f"{repository}:{tag}")
        manifest = self.find(name) if name else None
        if manifest is None:
            return _refusal("MANIFEST_UNKNOWN", "manifest unknown", 404)
        headers = {
            "content-type": MANIFEST_TYPE,
            "docker-content-digest": f"sha256:{manifest.digest}",
        }
        return Response(200, manifest.raw, headers)

    def _blob(self, digest: str) -> Response:
        blob = self._blobs.get(digest)
        if blob is None:
            return _refusal("BLOB_UNKNOWN", "blob unknown to registry", 404)
        if blob.content is None:
            return _refusal("UNSUPPORTED", "Simulated weights have no bytes.", 404)
        headers = {"content-type": "application/octet-stream", "docker-content-digest": digest}
        return Response(200, blob.content, headers)


def _refusal(code: str, message: str, status: int) -> Response:
    return Response.json({"errors": [{"code": code, "message": message}]}, status)


def why_unreachable(name: Name, *, insecure: bool) -> str | None:
    """Ollama's words where this name's registry could not be reached, None where it could.

    A registry on the loopback speaks plain http, as those of tests do.
    """
    host = name.host.lower()
    if host in _PUBLIC_HOSTS:
        return None
    url = f'Get "https://{host}/v2/{name.namespace}/{name.model}/manifests/{name.tag}"'
    hostname, _, _ = host.partition(":")
    if not _is_loopback(hostname):
        return f"{url}: dial tcp: lookup {hostname}: no such host"
    if not insecure:
        return f"{url}: http: server gave HTTP response to HTTPS client"
    return None


def _is_loopback(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
