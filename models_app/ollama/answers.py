"""From the JSON of Ollama's API to its types."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from models_app.ollama.kv_cache import read_kv_cache
from models_app.ollama.names import ModelName
from models_app.ollama.types import (
    GenerateLine,
    LoadedModel,
    ModelDetails,
    PullLine,
    ShowInfo,
    TagEntry,
)
from models_app.ollama.untrusted import (
    JsonObject,
    bare_digest,
    clean_text,
    is_finite,
    long_text,
    mapping,
    moment,
    objects,
    spoken_text,
    texts,
    whole_number,
)
from ollamactl.lib.errors import InvalidInput

logger = logging.getLogger(__name__)

_FOREVER = dt.timedelta(days=20 * 365)
_MOST_FACTS = 200
_LONGEST_HEAD = 20_000
_MOST_TENSORS, _MOST_TYPES = 50_000, 30
_FROM_BLOB = re.compile(r"^FROM .*sha256[-:]([0-9a-f]{64})$", re.MULTILINE)


def read_details(value: object) -> ModelDetails:
    """The `details` of a model, wherever they appear."""
    raw = mapping(value)
    return ModelDetails(
        format=clean_text(raw.get("format"), longest=50),
        family=clean_text(raw.get("family"), longest=50),
        families=texts(raw.get("families")),
        parameter_size=clean_text(raw.get("parameter_size"), longest=50),
        quantization=clean_text(raw.get("quantization_level"), longest=50),
    )


def _read_name(raw: JsonObject) -> ModelName | None:
    for field in ("name", "model"):
        text = raw.get(field)
        if isinstance(text, str):
            try:
                return ModelName.parse(text)
            except InvalidInput:
                continue
    return None


class TagsReader:
    """Takes the entries of `/api/tags` as they come, and gives each model once.

    An entry without a usable name is left out, a second one of a name too.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self.left_out = 0

    def read(self, entries: Iterable[object]) -> Iterator[TagEntry]:
        """The models among the next entries."""
        for raw in entries:
            name = _read_name(raw) if isinstance(raw, dict) else None
            if name is None or name.key in self._keys:
                self.left_out += 1
                continue
            self._keys.add(name.key)
            yield _read_tag(name, mapping(raw))

    def close(self) -> None:
        """Say in the log what was left out."""
        if self.left_out:
            logger.warning("%d entries of a list of models are left out", self.left_out)


def _read_tag(name: ModelName, raw: JsonObject) -> TagEntry:
    return TagEntry(
        name=name,
        digest=bare_digest(raw.get("digest")),
        size=whole_number(raw.get("size")),
        modified_at=moment(raw.get("modified_at")),
        details=read_details(raw.get("details")),
    )


def read_loaded(answer: JsonObject, *, now: dt.datetime) -> list[LoadedModel]:
    """The models of `/api/ps`; `now` by the server's clock."""
    found: list[LoadedModel] = []
    for raw in objects(answer.get("models")):
        name = _read_name(raw)
        if name is None:
            continue
        expires_at = moment(raw.get("expires_at"))
        forever = expires_at is not None and expires_at - now > _FOREVER
        found.append(
            LoadedModel(
                name=name,
                digest=bare_digest(raw.get("digest")),
                size=whole_number(raw.get("size")),
                # Ollama leaves zeros out of some answers.
                size_vram=whole_number(raw.get("size_vram", 0)),
                expires_at=None if forever else expires_at,
                stopping=expires_at is not None and expires_at < now,
                context_length=whole_number(raw.get("context_length")),
                details=read_details(raw.get("details")),
            )
        )
    return found


def read_show(answer: JsonObject) -> ShowInfo:
    """The answer of `/api/show`."""
    facts = _scalars(mapping(answer.get("model_info")))
    architecture = facts.get("general.architecture", "")
    return ShowInfo(
        details=read_details(answer.get("details")),
        capabilities=texts(answer.get("capabilities")),
        context_length=whole_number(facts.get(f"{architecture}.context_length")),
        kv_cache=read_kv_cache(answer.get("model_info")),
        parameter_count=whole_number(facts.get("general.parameter_count")),
        parameters=long_text(answer.get("parameters"), longest=20_000),
        template=long_text(answer.get("template"), longest=50_000),
        system=long_text(answer.get("system"), longest=50_000),
        license=long_text(answer.get("license"), longest=200_000),
        modified_at=moment(answer.get("modified_at")),
        remote_host=clean_text(answer.get("remote_host")),
        remote_model=clean_text(answer.get("remote_model")),
        weights=_weights(answer.get("modelfile")),
        tensors=_tensor_types(answer.get("tensors")),
        model_info=facts,
    )


def _tensor_types(value: object) -> dict[str, int]:
    """The tensors counted by their types, the most frequent first."""
    listed = value[:_MOST_TENSORS] if isinstance(value, list) else []
    types = (clean_text(mapping(one).get("type"), longest=30) for one in listed)
    return dict(Counter(name for name in types if name).most_common(_MOST_TYPES))


def _weights(modelfile: object) -> str:
    """The file that a Modelfile is built on, where it is a layer of the server's own."""
    found = _FROM_BLOB.search(modelfile[:_LONGEST_HEAD]) if isinstance(modelfile, str) else None
    return found[1] if found else ""


def _scalars(raw: JsonObject) -> dict[str, str | int | float | bool]:
    """Numbers and short texts, by their names; lists (the tokens) and nulls are left out.

    A literal such as 1e999 reads as an infinity, which JSON of ours could not hold: left out too.
    """
    facts: dict[str, str | int | float | bool] = {}
    for key, value in list(raw.items())[:_MOST_FACTS]:
        name = clean_text(key)
        if isinstance(value, str):
            facts[name] = clean_text(value)
        elif isinstance(value, bool) or is_finite(value) or whole_number(value) is not None:
            facts[name] = value
    return facts


def read_pull_line(raw: JsonObject) -> PullLine:
    """One line of `/api/pull` that is no error."""
    total = whole_number(raw.get("total")) or 0
    completed = whole_number(raw.get("completed")) or 0
    return PullLine(
        status=clean_text(raw.get("status")),
        digest=clean_text(raw.get("digest"), longest=100),
        total=total,
        completed=min(completed, total) if total else completed,
    )


def read_generate_line(raw: JsonObject) -> GenerateLine:
    """One line of `/api/generate` that is no error."""
    return _read_answer(raw, text=raw.get("response"), thinking=raw.get("thinking"))


def read_chat_line(raw: JsonObject) -> GenerateLine:
    """One line of `/api/chat` that is no error."""
    message = mapping(raw.get("message"))
    return _read_answer(raw, text=message.get("content"), thinking=message.get("thinking"))


def _read_answer(raw: JsonObject, *, text: object, thinking: object) -> GenerateLine:
    return GenerateLine(
        text=spoken_text(text),
        thinking=spoken_text(thinking),
        done=raw.get("done") is True,
        done_reason=clean_text(raw.get("done_reason"), longest=50),
        load_s=_seconds(raw.get("load_duration")),
        prompt_tokens=whole_number(raw.get("prompt_eval_count")),
        prompt_s=_seconds(raw.get("prompt_eval_duration")),
        tokens=whole_number(raw.get("eval_count")),
        tokens_s=_seconds(raw.get("eval_duration")),
    )


def _seconds(nanoseconds: object) -> float | None:
    number = whole_number(nanoseconds)
    return None if number is None else number / 1e9
