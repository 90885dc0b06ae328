"""Reading a model's manifest from its registry, without pulling anything.

https://distribution.github.io/distribution/spec/api/#pulling-an-image-manifest
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from models_app.ollama.errors import (
    ManifestMissing,
    RegistryDenied,
    RegistryError,
    RegistryNotAllowed,
    RegistryUnreachable,
)
from models_app.ollama.names import DEFAULT_HOST, HUGGING_FACE_HOSTS, ModelName
from models_app.ollama.untrusted import JsonObject, bare_digest, parse_object, whole_number
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard import (
    AddressRefused,
    Answer,
    AnswerTooLarge,
    EncodedAnswer,
    OutboundError,
    Policy,
    RedirectRefused,
    check_url,
    fetch,
)
from ollamactl.lib.sentences import Sentence

__all__ = ["Manifest", "RegistryConfig", "RegistryError", "fetch_manifest"]

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
TOTAL_S = 10.0
_ALWAYS_PUBLIC = frozenset({DEFAULT_HOST, *HUGGING_FACE_HOSTS})
_MOST_LAYERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """Which registries may be asked, by host, with or without port.

    `insecure_hosts` speak plain http. `base_url`: one address that stands for every registry.
    """

    allowed_hosts: frozenset[str] = _ALWAYS_PUBLIC
    insecure_hosts: frozenset[str] = frozenset()
    base_url: str | None = None

    def allows(self, host: str) -> bool:
        """Whether the settings name this host (and port)."""
        return _is_named(host, self.allowed_hosts | self.insecure_hosts)

    def is_insecure(self, host: str) -> bool:
        """Whether the settings say that this host speaks plain http."""
        return _is_named(host, self.insecure_hosts)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model consists of.

    `digest`: bare hex sha256 of the manifest's bytes, as in `/api/tags`. `layers`: `sha256:…` to
    bytes, the configuration included. `total_bytes`: each layer once.
    """

    digest: str
    layers: Mapping[str, int]
    total_bytes: int


async def fetch_manifest(
    name: ModelName, *, config: RegistryConfig, total_s: float = TOTAL_S
) -> Manifest:
    """The manifest that a pull of `name` would follow now; at most `total_s` seconds in all.

    Raises a `RegistryError`; `RegistryUnreachable` says nothing of what the server can reach.
    """
    host = name.host.lower()
    if config.base_url is None and not config.allows(host):
        raise RegistryNotAllowed(
            Sentence(
                _("The registry {host} is not in the settings. An administrator can add it there."),
                host=host,
            )
        )
    answer = await _ask(name, host, config, total_s)
    _judge_status(answer, host)
    return _read(answer.body, host)


async def _ask(name: ModelName, host: str, config: RegistryConfig, total_s: float) -> Answer:
    scheme = "http" if config.is_insecure(host) else "https"
    base = config.base_url or f"{scheme}://{host}"
    path = f"/v2/{name.namespace}/{name.model}/manifests/{name.tag}"
    ours = config.base_url is not None or host not in _ALWAYS_PUBLIC

    def policy(*, private: bool) -> Policy:
        return Policy(
            allow_private=private,
            allow_loopback=private,
            follow_redirects=True,
            total_timeout_s=total_s,
        )

    try:
        return await fetch(
            "GET",
            check_url(base, allow_private=True) + path,
            policy=policy(private=ours),
            headers={"Accept": MANIFEST_TYPE},
            # Wherever a registry sends us: only to public addresses.
            policy_for_hop=lambda _url: policy(private=False),
        )
    except (AddressRefused, RedirectRefused, InvalidInput) as error:
        raise RegistryNotAllowed(error.detail) from error
    except (AnswerTooLarge, EncodedAnswer) as error:
        raise RegistryError(error.detail) from error
    except OutboundError as error:
        raise _unreachable(host) from error


def _judge_status(answer: Answer, host: str) -> None:
    if answer.status == 200:
        return
    if answer.status == 404:
        raise ManifestMissing(
            Sentence(_("{host} has no such model. Check the name and the tag."), host=host)
        )
    if answer.status in (401, 403):
        raise RegistryDenied(
            Sentence(
                _("{host} does not show this model to the panel. It may be private, or not exist."),
                host=host,
            )
        )
    if answer.status == 429 or answer.status >= 500:
        raise _unreachable(host)
    raise _no_manifest(host)


def _read(body: bytes, host: str) -> Manifest:
    answer = parse_object(body)
    listed = answer.get("layers") if answer is not None else None
    if answer is None or not isinstance(listed, list) or len(listed) > _MOST_LAYERS:
        raise _no_manifest(host)
    layers = dict(_read_layer(layer, host) for layer in listed)
    if answer.get("config"):
        layers.update([_read_layer(answer["config"], host)])
    return Manifest(hashlib.sha256(body).hexdigest(), layers, sum(layers.values()))


def _read_layer(layer: JsonObject | object, host: str) -> tuple[str, int]:
    if isinstance(layer, dict):
        digest, size = bare_digest(layer.get("digest")), whole_number(layer.get("size"))
        if digest and size is not None:
            return f"sha256:{digest}", size
    raise _no_manifest(host)


def _unreachable(host: str) -> RegistryUnreachable:
    return RegistryUnreachable(
        Sentence(
            _("The panel cannot reach {host} just now. The Ollama server itself may."), host=host
        )
    )


def _no_manifest(host: str) -> RegistryError:
    return RegistryError(
        Sentence(
            _("{host} answers with something that is not a model's manifest. Check the name."),
            host=host,
        )
    )


def _is_named(host: str, hosts: frozenset[str]) -> bool:
    lowered = {item.lower() for item in hosts}
    return host.lower() in lowered or host.lower().partition(":")[0] in lowered
