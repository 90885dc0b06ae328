"""The client of one Ollama server: the only way to it.

Every call has a limit of time and of size, follows no redirect, and raises an `OllamaError`.
https://github.com/ollama/ollama/blob/v0.24.0/docs/api.md
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

from django.utils.translation import gettext_lazy as _

from models_app.ollama.answers import (
    TagsReader,
    read_chat_line,
    read_generate_line,
    read_loaded,
    read_pull_line,
    read_show,
)
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import (
    BadAnswer,
    InvalidRequest,
    NotOllama,
    NotSupported,
    TimedOut,
    TooLarge,
)
from models_app.ollama.list_digest import ListDigest
from models_app.ollama.names import ModelName
from models_app.ollama.types import GenerateLine, LoadedModel, PullLine, ShowInfo, TagEntry
from models_app.ollama.untrusted import JsonObject
from models_app.ollama.wire import Wire, cut_answer, cut_stream
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence

QUICK_S = 10.0
TAGS_S = 60.0
TAGS_BYTES = 128_000_000
MOST_MODELS = 200_000
# Asked of every server every few seconds, of all at once: what they may send together is bounded.
VERSION_BYTES = 64_000
PS_BYTES = 500_000
LOAD_S = 900.0
UNLOAD_S = 300.0
DELETE_S = 120.0
SILENCE_S = 120.0
# Hashing a hundred gigabytes on a slow disk, of which Ollama says nothing meanwhile.
VERIFY_SILENCE_S = 3600.0

_VERSION = re.compile(r"v?[0-9A-Za-z][0-9A-Za-z.+_-]{0,62}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_SLOWEST_POLL_S = 1.0
_Line = TypeVar("_Line", PullLine, GenerateLine)


class OllamaClient:
    """Calls of one Ollama server, for one event loop. Close it, or use it as `async with`.

    Names are taken in any form, as text or as `ModelName`. Raises `InvalidRequest` at once if the
    endpoint cannot be right.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._server = endpoint.shown
        self._wire = Wire(endpoint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; what they were doing ends."""
        await self._wire.aclose()

    async def version(self, *, total_s: float = QUICK_S) -> str:
        """Ollama's version, such as `0.24.0`. GET /api/version"""
        reply = await self._wire.call(
            "GET", "/api/version", total_s=total_s, max_bytes=VERSION_BYTES
        )
        version = reply.data.get("version")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise NotOllama(
                Sentence(
                    _("What answers at “{server}” is not Ollama. Check the address and the port."),
                    server=self._server,
                )
            )
        return version

    async def tags(self, *, total_s: float = TAGS_S) -> list[TagEntry]:
        """All models on the server's disk, unpaged. GET /api/tags"""
        found: list[TagEntry] = []
        await self._read_tags(found.extend, total_s=total_s)
        return found

    async def tags_digest(
        self, *, also: Callable[[list[TagEntry]], None], total_s: float = TAGS_S
    ) -> str:
        """What `list_digest` says of `tags()`, without keeping the list. GET /api/tags

        `also` is handed the models as they come, some at a time.
        """
        digest = ListDigest()

        def take(entries: Iterable[TagEntry]) -> None:
            some = list(entries)
            digest.add(some)
            also(some)

        await self._read_tags(take, total_s=total_s)
        return digest.text()

    async def _read_tags(
        self, keep: Callable[[Iterable[TagEntry]], None], *, total_s: float
    ) -> None:
        reader = TagsReader()
        seen = 0

        def take(entries: list[object]) -> None:
            nonlocal seen
            seen += len(entries)
            if seen > MOST_MODELS:
                raise TooLarge(
                    Sentence(
                        _("The server lists more than {limit} models, too many for the panel."),
                        limit=MOST_MODELS,
                    )
                )
            keep(reader.read(entries))

        await self._wire.read_list(
            "/api/tags", "models", take, total_s=total_s, max_bytes=TAGS_BYTES
        )
        reader.close()

    async def ps(self, *, total_s: float = QUICK_S) -> list[LoadedModel]:
        """The models in memory. GET /api/ps"""
        reply = await self._wire.call("GET", "/api/ps", total_s=total_s, max_bytes=PS_BYTES)
        self._expect_models(reply.data)
        return read_loaded(reply.data, now=reply.date)

    async def show(self, name: str | ModelName, *, total_s: float = QUICK_S) -> ShowInfo:
        """Details of one model. POST /api/show"""
        reply = await self._wire.call("POST", "/api/show", {"model": _sent(name)}, total_s=total_s)
        return read_show(reply.data)

    async def load(
        self,
        name: str | ModelName,
        *,
        keep_alive: int | str = -1,
        num_ctx: int | None = None,
        total_s: float = LOAD_S,
    ) -> None:
        """Load a model, and return when it is in memory, which may take minutes.

        `keep_alive`: seconds, or text such as `10m`; negative: until it is stopped. `num_ctx`: the
        context length in tokens. A request that asks for other options reloads the model with its
        own keep-alive. POST /api/generate, or /api/embed for a model that cannot generate.
        """
        request: dict[str, object] = {"model": _sent(name), "keep_alive": _keep_alive(keep_alive)}
        if num_ctx is not None:
            request["options"] = {"num_ctx": num_ctx}
        answer = await self._generate_nothing(request, total_s=total_s)
        if answer is not None and answer.get("done") is not True:
            raise self._bad_answer()

    async def unload(
        self, name: str | ModelName, *, digest: str = "", deadline_s: float = UNLOAD_S
    ) -> None:
        """Unload a model, and return when the server no longer lists it.

        Ollama says yes at once and then waits for the requests in flight. `digest`: an alias of the
        same content counts as this model. Raises `TimedOut` after `deadline_s`.
        """
        model = _parsed(name)
        try:
            async with asyncio.timeout(deadline_s):
                asked = {"model": model.display, "keep_alive": 0}
                await self._generate_nothing(asked, total_s=UNLOAD_S)
                pause = 0.05
                while any(
                    loaded.name.key == model.key or (digest and loaded.digest == digest)
                    for loaded in await self.ps()
                ):
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _SLOWEST_POLL_S)
        except TimeoutError as error:
            raise TimedOut(
                _("The model is still answering requests. It stops when they have ended.")
            ) from error

    async def _generate_nothing(
        self, request: dict[str, object], *, total_s: float
    ) -> JsonObject | None:
        """Ask without a prompt, by which Ollama does no more than to load or unload; None where the
        model cannot generate and was asked to embed nothing."""
        try:
            reply = await self._wire.call(
                "POST", "/api/generate", {**request, "stream": False}, total_s=total_s
            )
        except NotSupported:
            await self._wire.call("POST", "/api/embed", {**request, "input": []}, total_s=total_s)
            return None
        return reply.data

    async def delete(self, name: str | ModelName, *, total_s: float = DELETE_S) -> None:
        """Delete a model from the server's disk; one in memory stays there. DELETE /api/delete"""
        await self._wire.call(
            "DELETE", "/api/delete", {"model": _sent(name)}, total_s=total_s, may_be_empty=True
        )

    async def copy(
        self, source: str | ModelName, destination: str | ModelName, *, total_s: float = QUICK_S
    ) -> None:
        """Give a model a second name; what had that name is overwritten silently. POST /api/copy"""
        request = {"source": _sent(source), "destination": _sent(destination)}
        await self._wire.call("POST", "/api/copy", request, total_s=total_s, may_be_empty=True)

    def create(
        self,
        name: str | ModelName,
        *,
        base: str | ModelName,
        changes: Mapping[str, object],
        silence_s: float = VERIFY_SILENCE_S,
    ) -> AsyncGenerator[PullLine, None]:
        """Make a model out of another one; the last line is `success`, every other end raises.

        `changes`: `parameters` (merged over the base's), `system`, `template`. POST /api/create
        """
        request = {"model": _sent(name), "from": _sent(base), "stream": True, **changes}
        lines = self._wire.lines("/api/create", request, silence_s=lambda: silence_s, pulling=False)
        return self._to_the_end(lines, read_pull_line, lambda line: line.status == "success")

    def generate(
        self,
        name: str | ModelName,
        prompt: str,
        *,
        options: Mapping[str, object],
        silence_s: float = LOAD_S,
    ) -> AsyncGenerator[GenerateLine, None]:
        """The answer to a prompt, part by part; the last part is `done`, every other end raises.

        No template of a conversation, no thinking. Closing the generator ends the work.
        POST /api/generate
        """
        request = {"model": _sent(name), "prompt": prompt, "options": dict(options)}
        lines = self._wire.lines(
            "/api/generate", request, silence_s=lambda: silence_s, pulling=False
        )
        return self._to_the_end(lines, read_generate_line, lambda line: line.done)

    def chat(
        self,
        name: str | ModelName,
        messages: Sequence[Mapping[str, str]],
        *,
        options: Mapping[str, object],
        think: bool | str | None = None,
        format: str | Mapping[str, object] | None = None,
        keep_alive: int | str | None = None,
        silence_s: float = LOAD_S,
    ) -> AsyncGenerator[GenerateLine, None]:
        """The next answer of a conversation, part by part; the last is `done`, other ends raise.

        `messages`: `{role, content}`, the oldest first. `format` `json` lets the model write JSON
        only, a JSON schema only what fits it. `think`: on, off, a level such as `high`, or None to
        leave it to the model. `keep_alive` None leaves it to the server. Closing the generator ends
        the work.
        POST /api/chat
        """
        request: dict[str, object] = {
            "model": _sent(name),
            "messages": [dict(message) for message in messages],
            "options": dict(options),
            "stream": True,
        }
        if think is not None:
            request["think"] = think
        if format is not None:
            request["format"] = format
        if keep_alive is not None:
            request["keep_alive"] = _keep_alive(keep_alive)
        lines = self._wire.lines("/api/chat", request, silence_s=lambda: silence_s, pulling=False)
        return self._to_the_end(lines, read_chat_line, lambda line: line.done)

    async def _to_the_end(
        self,
        lines: AsyncGenerator[JsonObject, None],
        read: Callable[[JsonObject], _Line],
        is_last: Callable[[_Line], bool],
    ) -> AsyncGenerator[_Line, None]:
        """The lines of an answer up to the last one, without which it was cut."""
        async with aclosing(lines):
            async for data in lines:
                line = read(data)
                yield line
                if is_last(line):
                    return
        raise cut_answer(self._server)

    async def head_blob(self, digest: str, *, total_s: float = QUICK_S) -> bool:
        """Whether the server has the layer `sha256:…` whole. HEAD /api/blobs/…"""
        if not _DIGEST.fullmatch(digest):
            raise InvalidRequest(_("This is not the digest of a layer."))
        return await self._wire.status_of_head(f"/api/blobs/{digest}", total_s=total_s) == 200

    async def pull(
        self,
        name: str | ModelName,
        *,
        insecure: bool = False,
        silence_s: float = SILENCE_S,
        verify_silence_s: float = VERIFY_SILENCE_S,
    ) -> AsyncGenerator[PullLine, None]:
        """Download a model; the last line is `success`, every other end raises. POST /api/pull

        There is no limit for the whole, only for silence. Closing the generator stops the download
        (unless somebody else waits for it too); pulling again goes on from what the server kept.
        `insecure`: the registry speaks plain http.
        """
        request = {"model": _sent(name), "insecure": insecure, "stream": True}
        verifying = False
        lines = self._wire.lines(
            "/api/pull",
            request,
            silence_s=lambda: verify_silence_s if verifying else silence_s,
        )
        async with aclosing(lines):
            async for data in lines:
                line = read_pull_line(data)
                if not line.status:
                    raise self._bad_answer()
                verifying = line.status.startswith("verifying")
                yield line
                if line.status == "success":
                    return
        raise cut_stream(self._server)

    def _expect_models(self, answer: JsonObject) -> None:
        """An empty list means that there are no models; its absence must not."""
        if "models" not in answer or not isinstance(answer["models"], list | None):
            raise self._bad_answer()

    def _bad_answer(self) -> BadAnswer:
        return BadAnswer(
            Sentence(
                _("“{server}” answers, but not with what Ollama sends. Check the address."),
                server=self._server,
            )
        )


def _parsed(name: str | ModelName) -> ModelName:
    if isinstance(name, ModelName):
        return name
    try:
        return ModelName.parse(name)
    except InvalidInput as error:
        raise InvalidRequest(error.detail, attr=error.attr) from error


def _sent(name: str | ModelName) -> str:
    return _parsed(name).display


def _keep_alive(value: int | str) -> int | str:
    """Ollama refuses the text "-1", but takes the number."""
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
