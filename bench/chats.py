"""From a word that Ollama says to the word that somebody reads in the online terminal."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
from playwright.sync_api import Page

from bench.browser import open_page
from bench.figures import Options, Table, Value, median, percentile
from bench.paced_ollama import PacedOllama, line_of
from bench.stack import START_SECONDS, running_panel
from ollamactl.simulator.http_server import NDJSON, Request, Response
from tests.components.inventory import MissingComponent
from tests.components.loopback import PLAIN
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api

MODEL = "paced:latest"
# The worker gathers what comes within 0.04 s of the last event: slower words are each sent at once.
SHORTEST, LONGEST = 0.06, 0.1
ANSWER_SECONDS = 30
# When each word was first on the page, and when Enter was pressed, in seconds.
WATCH_WORDS = """
window.seen = {};
window.pressed = [];
const seconds = () => (performance.timeOrigin + performance.now()) / 1000;
new MutationObserver(() => {
  const now = seconds();
  for (const place of document.querySelectorAll("[data-chat-text]"))
    for (const word of place.textContent.match(/\\d+(?= )/g) || []) window.seen[word] ??= now;
}).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
document.addEventListener("keydown", ({ key }) => {
  if (key === "Enter") window.pressed.push(seconds());
}, true);
"""
ENDED = """count =>
  document.querySelectorAll("article[data-role=assistant][data-state=complete]").length === count
"""


class PacedChats(PacedOllama):
    """An Ollama whose answers say one number after another, the first at once."""

    async def _handle(self, request: Request) -> Response:
        if request.path != "/api/chat":
            return await super()._handle(request)
        self._pulls += 1
        return Response(200, self._answer(self._pulls), {"content-type": NDJSON})

    async def _answer(self, number: int) -> AsyncGenerator[bytes]:
        for step in range(self.lines):
            if step:
                await asyncio.sleep(random.uniform(SHORTEST, LONGEST))
            word = number * 10_000 + step
            line = _part(f"{word} ")
            self.said[word] = time.time()
            yield line
        await asyncio.sleep(LONGEST)
        yield _part("", done=True, done_reason="stop", eval_count=self.lines)


@dataclass
class Seen:
    """What one reader saw: seconds from asking to the first word, and from each word's saying."""

    first: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def note(self, ollama: PacedOllama, asked: float, seen: dict[int, float]) -> None:
        """Take one answer."""
        self.first.append(min(seen.values()) - asked)
        self.delays += [moment - ollama.said[word] for word, moment in seen.items()]


def measure(options: Options) -> list[Table]:
    """The page in Chromium, and beside it a direct reader of another answer at the same time."""
    asks, words = options.pick(12, 2), options.pick(30, 10)
    notes = [
        f"{asks} answers of {words} words, one every {SHORTEST}–{LONGEST} s, the first at once. A "
        "direct reader posts to Ollama and waits for nothing else; the panel keeps the prompt and "
        "the answer's row, and a worker takes the task and asks what is in memory."
    ]
    direct, page = Seen(), Seen()
    with ExitStack() as stack:
        ollama = stack.enter_context(PacedChats(words))
        ollama.publish(MODEL)
        ollama.install(MODEL)
        panel, api, _server = stack.enter_context(running_panel(ollama.url))
        path = f"chats/{new_chat(api)}/"
        try:
            terminal = stack.enter_context(open_page(panel, path))
        except MissingComponent as error:
            return [Table("From Ollama's word to the online terminal", [], [*notes, str(error)])]
        terminal.evaluate(WATCH_WORDS)
        client = stack.enter_context(
            httpx.Client(base_url=ollama.url, timeout=ANSWER_SECONDS, verify=PLAIN, trust_env=False)
        )
        client.get("/api/version")  # neither reader opens its connection while it is measured
        for number in range(asks):
            terminal.fill("#chat-content", f"Question {number}")
            terminal.press("#chat-content", "Enter")
            asked = time.time()
            direct.note(ollama, asked, read_directly(client))
            page.note(ollama, *read_page(ollama, terminal, number + 1))
    rows = [
        row_of("a direct reader of the stream", asks * words, direct, direct),
        row_of("the page in Chromium", asks * words, page, direct),
    ]
    return [Table("From Ollama's word to the online terminal", rows, notes)]


def new_chat(api: Api) -> int:
    """A chat with the paced model, once the panel knows it."""
    wait_until(lambda: api.model(MODEL), "the panel knows the model", START_SECONDS)
    model = api.model(MODEL)
    if model is None:
        raise RuntimeError("the model is gone again")
    return int(api.post("chats/", {"model": model["id"]}, status=201)["id"])


def read_page(ollama: PacedOllama, terminal: Page, answers: int) -> tuple[float, dict[int, float]]:
    """When Enter was pressed, and each word of the newest answer with when the page had it."""
    terminal.wait_for_function(ENDED, arg=answers, timeout=ANSWER_SECONDS * 1000)
    pressed: list[float] = terminal.evaluate("window.pressed")
    seen: dict[str, float] = terminal.evaluate("window.seen")
    terminal.evaluate("window.seen = {}")
    return pressed[-1], {
        int(word): moment for word, moment in seen.items() if int(word) in ollama.said
    }


def read_directly(client: httpx.Client) -> dict[int, float]:
    """Each word of an answer, and when somebody without a panel has it."""
    seen: dict[int, float] = {}
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Question"}]}
    with client.stream("POST", "/api/chat", json=body) as answer:
        for line in answer.iter_lines():
            now = time.time()
            word = json.loads(line)["message"]["content"].strip()
            if word:
                seen[int(word)] = now
    return seen


def row_of(who: str, words: int, seen: Seen, direct: Seen) -> dict[str, Value]:
    """Times in ms; `of direct` compares the medians of the words."""
    return {
        "who": who,
        "words": words,
        "seen": len(seen.delays),
        "first p50 ms": median(seen.first) * 1000,
        "p50 ms": median(seen.delays) * 1000,
        "p99 ms": percentile(seen.delays, 0.99) * 1000,
        "of direct": median(seen.delays) / median(direct.delays),
    }


def _part(text: str, *, done: bool = False, **counts: str | int) -> bytes:
    message = {"role": "assistant", "content": text}
    return line_of(model=MODEL, message=message, done=done, **counts)
