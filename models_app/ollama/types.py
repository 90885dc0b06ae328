"""What Ollama's API answers, typed. Every field was checked; None or empty: not known."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field

from models_app.ollama.kv_cache import KvCache
from models_app.ollama.names import ModelName


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What a model's file says of itself, such as family `llama`, quantization `Q4_K_M`."""

    format: str = ""
    family: str = ""
    families: tuple[str, ...] = ()
    parameter_size: str = ""
    quantization: str = ""


@dataclass(frozen=True, slots=True)
class TagEntry:
    """One model on a server's disk.

    `digest` is the bare hex sha256 of its manifest. `size` is in bytes; models share layers, so
    sizes do not add up.
    """

    name: ModelName
    digest: str
    size: int | None
    modified_at: dt.datetime | None
    details: ModelDetails


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One model in a server's memory.

    Aliases share a runner, and only the one that loaded it is named: compare `digest` too.
    `size` and `size_vram` are bytes. `expires_at` None: it stays until it is stopped, or it is not
    known. `stopping`: its time is over, and it waits for requests in flight.
    """

    name: ModelName
    digest: str
    size: int | None
    size_vram: int | None
    expires_at: dt.datetime | None
    stopping: bool
    context_length: int | None
    details: ModelDetails

    @property
    def processor(self) -> str:
        """`100% GPU`, `100% CPU`, `25%/75% CPU/GPU` as `ollama ps` says it; empty if unknown."""
        if self.size is None or self.size_vram is None:
            return ""
        if self.size_vram == 0:
            return "100% CPU"
        if self.size == 0 or self.size_vram > self.size:
            return ""
        if self.size_vram == self.size:
            return "100% GPU"
        cpu = math.floor((self.size - self.size_vram) / self.size * 100 + 0.5)
        return f"{cpu}%/{100 - cpu}% CPU/GPU"


@dataclass(frozen=True, slots=True)
class ShowInfo:
    """Details of one model. Texts are bounded. `weights`: the digest of its largest layer.

    `tensors`: how many there are of each type, such as `Q4_K`. `kv_cache` None: not told.
    """

    details: ModelDetails
    capabilities: tuple[str, ...] = ()
    context_length: int | None = None
    kv_cache: KvCache | None = None
    parameter_count: int | None = None
    parameters: str = ""
    template: str = ""
    system: str = ""
    license: str = ""
    modified_at: dt.datetime | None = None
    remote_host: str = ""
    remote_model: str = ""
    weights: str = ""
    tensors: dict[str, int] = field(default_factory=dict)
    model_info: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PullLine:
    """One line of a pull: `digest` is empty for a phase without bytes; bytes are 0 if omitted."""

    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0


@dataclass(frozen=True, slots=True)
class GenerateLine:
    """One part of an answer. What the last one counts is in tokens and seconds; None: not said.

    `thinking`: what a model that thinks says before its answer, in a chat.
    """

    text: str = ""
    thinking: str = ""
    done: bool = False
    done_reason: str = ""
    load_s: float | None = None
    prompt_tokens: int | None = None
    prompt_s: float | None = None
    tokens: int | None = None
    tokens_s: float | None = None
