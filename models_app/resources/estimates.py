"""How much a model is, where its registry does not say it, and what memory it takes.

Measured against the sizes of the well-known models (tests/models/test_estimates.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import median

from models_app.catalogue import CatalogueTag, catalogue, find
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.names import ModelName

DETAILS, TABLE = "details", "table"
# What Ollama takes where nothing else is asked for.
DEFAULT_CONTEXT = 4096
LARGEST_PARAMETERS = 10_000_000_000_000

# Bits a weight takes in a file, its scales and the layers that stay finer included.
BITS = {
    "q2_k": 3.2,
    "q3_k_s": 3.6,
    "q3_k_m": 4.0,
    "q3_k_l": 4.3,
    "q3_k": 4.0,
    "q4_0": 4.6,
    "q4_1": 5.1,
    "q4_k_s": 4.7,
    "q4_k_m": 4.95,
    "q4_k": 4.95,
    "q4_k_l": 5.1,
    "q5_0": 5.6,
    "q5_1": 6.0,
    "q5_k_s": 5.6,
    "q5_k_m": 5.75,
    "q5_k": 5.75,
    "q6_k": 6.6,
    "q8_0": 8.5,
    "mxfp4": 4.6,
    "nvfp4": 4.7,
    "iq1_s": 2.0,
    "iq2_xxs": 2.4,
    "iq2_xs": 2.6,
    "iq2_s": 2.8,
    "iq2_m": 2.9,
    "iq3_xxs": 3.3,
    "iq3_xs": 3.5,
    "iq3_s": 3.6,
    "iq3_m": 3.8,
    "iq4_xs": 4.4,
    "iq4_nl": 4.7,
    "f16": 16.1,
    "fp16": 16.1,
    "bf16": 16.2,
    "f32": 32.1,
    "fp32": 32.1,
}
_QUANTIZATION = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(BITS, key=len, reverse=True))})(?![a-z0-9])"
)
_PARAMETERS = re.compile(
    r"(?<![a-z0-9.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)\s?([bm])(?![a-z0-9])"
)
_UNITS = {"b": 1e9, "m": 1e6}
# Experts share what is not theirs: eight of seven billion are 47, not 56.
SHARED_BY_EXPERTS = 0.84
# Downloads in the registry's usual quantization: parameters in billions to bytes of each.
_USUAL = ((0.1, 2.0), (0.5, 0.85), (1.0, 0.75), (3.0, 0.64), (8.0, 0.62), (70.0, 0.61))
# Bytes of the key-value cache a token, at 16 bits: by billions of parameters.
_CACHE = (
    *((0.1, 8e3), (0.5, 20e3), (1.0, 33e3), (3.0, 112e3), (8.0, 131e3), (14.0, 196e3)),
    *((32.0, 262e3), (70.0, 328e3), (123.0, 360e3), (405.0, 516e3)),
)
LEAST_OVERHEAD = 300_000_000
OVERHEAD = 0.08


@dataclass(frozen=True)
class Size:
    """A download in bytes, how it is known, and the number of its parameters where that is."""

    bytes: int
    source: str
    parameters: int | None = None


def estimated_size(
    name: ModelName, *, parameter_size: str = "", quantization: str = ""
) -> Size | None:
    """The likely size of a model's download; None where its name tells nothing.

    `parameter_size` ("8.0B") and `quantization` ("Q4_K_M"): what is known besides the name.
    """
    known = find(name.full)
    if known is not None:
        return known_size(known)
    words = f"{name.model}:{name.tag}"
    parameters = parameters_in(parameter_size) or parameters_in(name.tag) or parameters_in(words)
    if parameters is None:
        return None
    bits = bits_of(quantization) or bits_of(name.tag) or bits_of(words)
    if bits is None:
        return Size(usual_bytes(parameters), TABLE, parameters)
    return Size(int(parameters * bits / 8), DETAILS, parameters)


def known_size(tag: CatalogueTag) -> Size:
    """What the catalogue says of a download."""
    return Size(tag.size, DETAILS, tag.parameters)


def parameters_in(text: str) -> int | None:
    """The number of parameters that a text names: `8b`, `270M`, `8x7b`, `1.5B`."""
    found = _PARAMETERS.search(text.lower())
    if found is None:
        return None
    experts, number, unit = found.groups()
    count = float(number) * _UNITS[unit]
    if experts:
        count *= int(experts) * SHARED_BY_EXPERTS
    return int(count) if 0 < count <= LARGEST_PARAMETERS else None


def bits_of(text: str) -> float | None:
    """The bits that each weight takes in the quantization that a text names: `q4_K_M`."""
    found = _QUANTIZATION.search(text.lower())
    return BITS[found[1]] if found else None


@cache
def assumed_size() -> int:
    """The bytes that are kept free for a model of which nobody knows anything: no more than half of
    the well-known models have."""
    return int(median(tag.size for tag in catalogue().tags))


def usual_bytes(parameters: int) -> int:
    """The table: what so many parameters are in the quantization that a registry offers first."""
    return int(parameters * _between(_USUAL, parameters / 1e9))


def memory_needed(
    weights: int, *, context: int, parameters: int | None = None, kv_cache: KvCache | None = None
) -> int:
    """The bytes of memory for a model with weights of so many bytes and `context` tokens: weights,
    key-value cache, and what Ollama's runner takes besides.

    The cache is that of the model where it is known, else that of the table for its parameters.
    """
    if kv_cache is not None:
        cache = kv_cache.bytes_for(context)
    else:
        count = parameters or weights / (BITS["q4_k_m"] / 8)
        cache = int(_between(_CACHE, count / 1e9) * context)
    return weights + cache + max(LEAST_OVERHEAD, int(weights * OVERHEAD))


def _between(table: tuple[tuple[float, float], ...], at: float) -> float:
    """A value of a table; between two lines in proportion, beyond its ends that of the end."""
    if at <= table[0][0]:
        return table[0][1]
    for (left, low), (right, high) in pairwise(table):
        if at <= right:
            return low + (high - low) * (at - left) / (right - left)
    return table[-1][1]
