"""The key-value cache of a model, by what its file says of its attention (`/api/show`).

Ollama's own rules: https://github.com/ollama/ollama/blob/v0.24.0/fs/ggml/ggml.go (`GraphSize`).
"""

from __future__ import annotations

from dataclasses import dataclass

from models_app.ollama.untrusted import JsonObject, mapping, whole_number

# Ollama's own unless OLLAMA_KV_CACHE_TYPE says otherwise, which the API does not tell: f16.
BYTES_AN_ELEMENT = 2
# The tokens that are read in one go have room beside the window.
BATCH = 512
# Of so many layers the last one keeps the whole context, the others a window of it; and the tokens
# of that window where Ollama keeps more than the file says. Of families that are not here the
# server does not say which layers are which: all count in full, which is the most they can take.
SLIDING = {"gemma2": (2, 0), "gemma3": (6, 0), "gptoss": (2, 4096), "gpt-oss": (2, 4096)}
# No real model has more; what is beyond is not believed.
MOST_LAYERS, MOST_HEADS, LONGEST_HEAD = 1000, 4096, 16_384
MOST_BYTES_A_TOKEN = 64_000_000
LONGEST_WINDOW = 16_000_000


@dataclass(frozen=True, slots=True)
class KvCache:
    """Bytes a token: `full` of the layers that keep the whole context, `windowed` of those that
    keep the last `window` tokens alone."""

    full: int
    windowed: int = 0
    window: int = 0

    def bytes_for(self, tokens: int) -> int:
        """The cache of so many tokens of context."""
        return self.full * tokens + self.windowed * min(tokens, self.window)

    def as_json(self) -> list[int]:
        """As a row keeps it."""
        return [self.full, self.windowed, self.window]

    @classmethod
    def from_json(cls, kept: object) -> KvCache | None:
        """What a row keeps; None where it keeps nothing that can be read."""
        if not isinstance(kept, list) or len(kept) != 3:
            return None
        full, windowed, window = (whole_number(value) for value in kept)
        if full is None or windowed is None or window is None:
            return None
        return cls(full, windowed, window)


def read_kv_cache(model_info: object) -> KvCache | None:
    """The cache by `model_info`; None where that does not say it, or says what cannot be.

    A size that is left out has the default of the file's format. A list (a value for each layer)
    is counted where it is there; servers mostly say null in its place, and then nobody knows.
    """
    facts = mapping(model_info)
    family = facts.get("general.architecture")
    if not isinstance(family, str):
        return None
    layers = _number(facts.get(f"{family}.block_count"), MOST_LAYERS)
    heads = _heads(facts, family, layers) if layers else None
    sizes = _head_size(facts, family, "key"), _head_size(facts, family, "value")
    if not heads or not sizes[0] or not sizes[1]:
        return None
    bytes_a_head = (sizes[0] + sizes[1]) * BYTES_AN_ELEMENT
    window, is_windowed = _windows(facts, family, len(heads))
    windowed = sum(count for count, short in zip(heads, is_windowed, strict=True) if short)
    full = sum(heads) - windowed
    if not 0 < sum(heads) * bytes_a_head <= MOST_BYTES_A_TOKEN:
        return None
    return KvCache(full * bytes_a_head, windowed * bytes_a_head, window if windowed else 0)


def _heads(facts: JsonObject, family: str, layers: int) -> list[int] | None:
    """The heads with keys and values of each layer: as many as of the others unless it is said."""
    key = f"{family}.attention.head_count_kv"
    said = facts[key] if key in facts else facts.get(f"{family}.attention.head_count")
    values = said if isinstance(said, list) else [said] * layers
    if len(values) != layers:
        return None
    numbers = [_number(value, MOST_HEADS, least=0) for value in values]
    known = [number for number in numbers if number is not None]
    return known if len(known) == layers else None


def _head_size(facts: JsonObject, family: str, what: str) -> int | None:
    """Elements of a head's keys or values; by default the embedding's share of a head."""
    said = facts.get(f"{family}.attention.{what}_length")
    if said is not None:
        return _number(said, LONGEST_HEAD)
    embedding = _number(facts.get(f"{family}.embedding_length"), LONGEST_HEAD * MOST_HEADS)
    heads = _number(facts.get(f"{family}.attention.head_count"), MOST_HEADS)
    return _number(embedding // heads, LONGEST_HEAD) if embedding and heads else None


def _windows(facts: JsonObject, family: str, layers: int) -> tuple[int, list[bool]]:
    """The tokens that windowed layers keep, and which layers those are."""
    every, kept = SLIDING.get(family, (0, 0))
    window = _number(facts.get(f"{family}.attention.sliding_window"), LONGEST_WINDOW)
    said = facts.get(f"{family}.attention.sliding_window_pattern")
    if window is None:
        return 0, [False] * layers
    if isinstance(said, list) and len(said) == layers:
        return max(window, kept) + BATCH, [value is True for value in said]
    short = [bool(every) and (number + 1) % every != 0 for number in range(layers)]
    return max(window, kept) + BATCH, short


def _number(value: object, most: int, *, least: int = 1) -> int | None:
    number = whole_number(value)
    return number if number is not None and least <= number <= most else None
