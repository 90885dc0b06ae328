"""The names of models, by Ollama's own grammar.

`[[host/]namespace/]model[:tag]`, where the host may have a port. What is left out is
`registry.ollama.ai`, `library` and `latest`. Names are compared without regard to case.
https://github.com/ollama/ollama/blob/v0.24.0/types/model/name.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"
HUGGING_FACE_HOSTS = frozenset({"hf.co", "huggingface.co"})

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_LONGEST = 350 + 3 * 80 + 3 + len("https://")

Source = Literal["library", "huggingface", "registry"]


@dataclass(frozen=True, slots=True)
class ModelName:
    """One model's name with nothing left out, in the letters in which it was written."""

    host: str
    namespace: str
    model: str
    tag: str

    @staticmethod
    def parse(text: str) -> ModelName:
        """The name in `text`; raises `InvalidInput` with a sentence for the field `name`."""
        stripped = text.strip()
        if not stripped:
            raise _invalid(_("Enter the name of a model, for example llama3.2."))
        if len(stripped) > _LONGEST:
            raise _invalid(_("This name is longer than a model's name can be."))
        return _parsed(stripped)

    @property
    def full(self) -> str:
        """`host/namespace/model:tag`, with the defaults written out."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def key(self) -> str:
        """What two names share exactly if Ollama takes them for the same model."""
        return self.full.lower()

    @property
    def display(self) -> str:
        """As `/api/tags` shows it: `llama3.2:latest`, `team/x:7b`, `hf.co/user/repo:Q4_K_M`."""
        if self.host.lower() != DEFAULT_HOST:
            return self.full
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    @property
    def source(self) -> Source:
        """Where it is pulled from."""
        host = self.host.lower()
        if host == DEFAULT_HOST:
            return "library"
        return "huggingface" if host in HUGGING_FACE_HOSTS else "registry"

    def __str__(self) -> str:
        return self.display


# Many servers have the same models, and are asked for them again and again.
@lru_cache(maxsize=4096)
def _parsed(text: str) -> ModelName:
    if "@" in text:
        raise _invalid(_("Ollama takes no digest after an @. Leave it out, or name a tag."))
    rest, tag = _split_tag(_without_scheme(text))
    *path, model = rest.split("/")
    if len(path) > 2:
        raise _invalid(
            _("A name has at most a host, a namespace and a model: host/namespace/model:tag.")
        )
    namespace = path[-1] if path else DEFAULT_NAMESPACE
    host = path[0] if len(path) == 2 else DEFAULT_HOST
    _check(host, namespace, model, tag)
    return ModelName(host, namespace, model, tag)


def _invalid(sentence: Promise) -> InvalidInput:
    return InvalidInput(sentence, code="invalid_name", attr="name")


def _without_scheme(text: str) -> str:
    """Ollama takes `https://` before a whole name and drops it; plain http is a setting of ours."""
    scheme, found, rest = text.partition("://")
    if not found:
        return text
    if scheme.lower() != "https" or rest.count("/") != 2:
        raise _invalid(_("Leave out the http:// and write host/namespace/model:tag."))
    return rest


def _split_tag(text: str) -> tuple[str, str]:
    """A `:` before the last `/` belongs to a port."""
    colon = text.rfind(":")
    if colon <= text.rfind("/"):
        return text, DEFAULT_TAG
    return text[:colon], text[colon + 1 :]


def _check(host: str, namespace: str, model: str, tag: str) -> None:
    if not _HOST.fullmatch(host):
        raise _invalid(_("The host before the first / is not one, for example hf.co."))
    if not _NAMESPACE.fullmatch(namespace):
        if "." in namespace or ":" in namespace:
            raise _invalid(
                _("After a host come a namespace and a model: host/namespace/model:tag.")
            )
        raise _invalid(
            _(
                "The namespace may have letters, digits, - and _, at most 80, and starts with a "
                "letter or digit."
            )
        )
    if not _PART.fullmatch(model):
        raise _invalid(
            _(
                "The model's name may have letters, digits, ., - and _, at most 80, and starts "
                "with a letter or digit."
            )
        )
    if not _PART.fullmatch(tag):
        raise _invalid(
            _(
                "The tag after the : may have letters, digits, ., - and _, at most 80, and starts "
                "with a letter or digit."
            )
        )
