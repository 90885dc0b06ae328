"""What a model needs: bytes to download, bytes in memory, and how either is known."""

from __future__ import annotations

from dataclasses import dataclass

from models_app.catalogue import CatalogueTag, find
from models_app.models import OllamaModel
from models_app.ollama.errors import ManifestMissing
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.names import ModelName
from models_app.resources.caches import Caches, caches_for
from models_app.resources.estimates import (
    DEFAULT_CONTEXT,
    DETAILS,
    TABLE,
    Size,
    estimated_size,
    known_size,
    memory_needed,
    parameters_in,
)
from models_app.resources.verdict import UNKNOWN
from models_app.services.survey import Answers

MANIFEST = "manifest"
# How the key-value cache is known, which is what of a model's memory grows with its context.
MODEL, SIBLING = "model", "sibling"


@dataclass(frozen=True)
class Need:
    """`download`: bytes still to fetch; `source` says how that is known. `memory`: bytes that the
    model takes when it is loaded with `context` tokens; `memory_source` says how the cache among
    them is known: `MODEL` by the model's own file (`/api/show`), `SIBLING` by that of the same
    model elsewhere or in another quantization, `TABLE` by its parameters."""

    download: int | None
    source: str
    memory: int | None
    context: int
    memory_source: str = UNKNOWN

    @property
    def is_certain(self) -> bool:
        """Whether the registry itself has said it."""
        return self.source == MANIFEST


def need_of(
    row: OllamaModel | None, name: ModelName, answers: Answers, context: int | None = None
) -> Need:
    """By the registry's manifest, else by the server's own list, the catalogue, or the name.

    `row`: the model where the server has it, or is to have it, already.
    """
    if answers.manifest is None and isinstance(answers.registry_error, ManifestMissing):
        return Need(None, UNKNOWN, None, _context(row, name, context))
    guess = guess_of(row, name)
    download, source, weights = None, UNKNOWN, None
    if answers.manifest is not None:
        download, source = answers.missing_bytes, MANIFEST
        weights = answers.manifest.total_bytes
    elif guess is not None:
        download, source, weights = guess.bytes, guess.source, guess.bytes
    tokens = _context(row, name, context)
    if not weights:
        return Need(download, source, weights, tokens)
    parameters = guess.parameters if guess else None
    own = answers.kv_cache or KvCache.from_json(row.kv_cache if row else None)
    elsewhere = None if own else caches_for(name, parameters).of(name, parameters)
    memory = memory_needed(
        weights, context=tokens, parameters=parameters, kv_cache=own or elsewhere
    )
    return Need(download, source, memory, tokens, _source(own, elsewhere))


def need_of_tag(
    tag: CatalogueTag, *, own: KvCache | None = None, caches: Caches | None = None
) -> Need:
    """What the check says of a tag of the catalogue before its registry has answered.

    `own`: the cache of the model where the server has it; `caches`: those of others.
    """
    size = known_size(tag)
    tokens = _at_most(DEFAULT_CONTEXT, tag.context_length)
    elsewhere = None
    if own is None and caches is not None:
        elsewhere = caches.of(ModelName.parse(tag.name), size.parameters)
    memory = memory_needed(
        size.bytes, context=tokens, parameters=size.parameters, kv_cache=own or elsewhere
    )
    return Need(size.bytes, size.source, memory, tokens, _source(own, elsewhere))


def _source(own: KvCache | None, elsewhere: KvCache | None) -> str:
    if own is not None:
        return MODEL
    return SIBLING if elsewhere is not None else TABLE


def guess_of(row: OllamaModel | None, name: ModelName) -> Size | None:
    """The bytes of a model whose registry has not said them; None where nothing tells."""
    if row is None:
        return estimated_size(name)
    if row.size:  # what is new of it can be all of it
        return Size(row.size, DETAILS, parameters_in(row.parameter_size))
    return estimated_size(name, parameter_size=row.parameter_size, quantization=row.quantization)


def _context(row: OllamaModel | None, name: ModelName, asked: int | None) -> int:
    """The context to count with: at most what the model has been made for."""
    known = find(name.full)
    longest = (row.context_length if row else None) or (known.context_length if known else None)
    return _at_most(asked or DEFAULT_CONTEXT, longest)


def _at_most(wanted: int, longest: int | None) -> int:
    return min(wanted, longest) if longest else wanted
