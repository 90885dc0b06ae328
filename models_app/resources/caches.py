"""The key-value cache of a model that a server has already, for one that is still to be pulled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from models_app.catalogue import CatalogueTag, catalogue
from models_app.models import OllamaModel
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.names import ModelName

# So far may the parameters of two downloads of a family be apart: `4b` in a name is 4.3 billion.
SAME_SIZE = 0.1


@dataclass(frozen=True)
class Caches:
    """What servers have said of their models, by the models' keys."""

    by_key: dict[str, KvCache] = field(default_factory=dict)

    def of(self, name: ModelName, parameters: int | None) -> KvCache | None:
        """The cache of this very name, else of its family's downloads of the same size."""
        found = self.by_key.get(name.key)
        if found is not None or not self.by_key:
            return found
        return self.of_any(sibling_keys(name, parameters))

    def of_any(self, keys: Iterable[str]) -> KvCache | None:
        """The first that is known of these keys."""
        return next((self.by_key[key] for key in keys if key in self.by_key), None)

    @classmethod
    def read(cls, kept: Iterable[tuple[str, object]]) -> Caches:
        """From keys and what rows keep."""
        caches = ((key, KvCache.from_json(value)) for key, value in kept)
        return cls({key: cache for key, cache in caches if cache is not None})


def known_caches(keys: Iterable[str]) -> Caches:
    """What any server has said of the models with these keys; one query."""
    rows = OllamaModel.objects.filter(key__in=set(keys), kv_cache__isnull=False).order_by()
    return Caches.read(rows.values_list("key", "kv_cache").distinct())


def caches_for(name: ModelName, parameters: int | None) -> Caches:
    """What servers have said of this name and of its siblings."""
    return known_caches([name.key, *sibling_keys(name, parameters)])


def sibling_keys(name: ModelName, parameters: int | None) -> list[str]:
    """The keys of the downloads of its family that have as many parameters, by the catalogue: other
    quantizations of one model, with the same cache."""
    library = ModelName.parse(name.model)
    if not parameters or (library.host, library.namespace) != (name.host, name.namespace):
        return []
    family = name.model.lower()
    return [
        key
        for tag in catalogue().tags
        if tag.family == family and abs(tag.parameters - parameters) <= SAME_SIZE * parameters
        for key in keys_of(tag)
    ]


@cache  # a page asks for each of them several times, and there are as many as the catalogue has
def keys_of(tag: CatalogueTag) -> tuple[str, ...]:
    """The keys that its download may have on a server."""
    return tuple(ModelName.parse(f"{tag.family}:{word}").key for word in (tag.tag, *tag.aliases))
