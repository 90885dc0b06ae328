"""Model names by Ollama's own grammar (`types/model/name.go`), as its server reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

_WORD = r"[A-Za-z0-9_]"
_HOST = re.compile(rf"{_WORD}[A-Za-z0-9_.:-]{{0,349}}")
_NAMESPACE = re.compile(rf"{_WORD}[A-Za-z0-9_-]{{0,79}}")
_MODEL_OR_TAG = re.compile(rf"{_WORD}[A-Za-z0-9_.-]{{0,79}}")


@dataclass(frozen=True)
class Name:
    """A full model name."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def key(self) -> str:
        """Host, namespace, model and tag in lower case: names match case-insensitively."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}".lower()

    @property
    def display(self) -> str:
        """The shortest form, with its tag, as `/api/tags` shows it."""
        if self.host.lower() != DEFAULT_HOST:
            return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    @property
    def without_host(self) -> str:
        """`namespace/model:tag` in lower case: the key of a registry."""
        return f"{self.namespace}/{self.model}:{self.tag}".lower()

    @property
    def is_cloud(self) -> bool:
        """Whether the tag names a model that runs in Ollama's cloud."""
        tag = self.tag.lower()
        return tag == "cloud" or tag.endswith("-cloud")

    def with_tag(self, tag: str) -> Name:
        return replace(self, tag=tag)


def require_name(text: str) -> Name:
    """Parse a name that must be one; ValueError where it is not."""
    name = parse_name(text)
    if name is None:
        raise ValueError(f"{text!r} is no model name")
    return name


def parse_name(text: object) -> Name | None:
    """Read a name, fill in the defaults; None where Ollama says "invalid model name"."""
    if not isinstance(text, str):
        return None
    rest, tag = text.strip(), DEFAULT_TAG
    if rest.rfind(":") > rest.rfind("/"):
        rest, _, tag = rest.rpartition(":")
    # A scheme may stand in front; Ollama's pull does not heed it.
    rest = rest.rpartition("://")[2]
    parts = rest.rsplit("/", 2)
    model = parts[-1]
    namespace = parts[-2] if len(parts) > 1 else DEFAULT_NAMESPACE
    host = parts[-3] if len(parts) > 2 else DEFAULT_HOST
    valid = (
        _HOST.fullmatch(host)
        and _NAMESPACE.fullmatch(namespace)
        and _MODEL_OR_TAG.fullmatch(model)
        and _MODEL_OR_TAG.fullmatch(tag)
    )
    return Name(host, namespace, model, tag) if valid else None
