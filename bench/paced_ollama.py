"""An Ollama whose pulls say one number after another and note when each was said."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Self

from ollamactl.simulator.app import Simulator
from ollamactl.simulator.http_server import NDJSON, HttpServer, Request, Response
from ollamactl.simulator.settings import Settings

SIZE = 1_000_000_000
STEP = 1000  # bytes between two numbers
MOST_LINES = 10_000  # of one pull
# The worker sends at most four events a second for each task: slower lines are each sent at once.
SHORTEST, LONGEST = 0.26, 0.36
SETTLING = 10  # lines before the ones that count, while the page gets its new row


class PacedOllama:
    """The simulated Ollama on a thread of its own, with pulls of another kind.

    Every line of every pull has a `completed` that no other has. `said` is when (`time.time()`)
    those that count were given to the connection.
    """

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.said: dict[int, float] = {}
        self.url = ""
        self._pulls = 0
        self._ends = threading.Semaphore(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._simulator = Simulator(Settings())
        self._server = HttpServer(self._handle)

    def lines_up_to(self, completed: int) -> Iterator[int]:
        """The line of this number and those before it of the same pull, the newest first."""
        first = completed - completed % (MOST_LINES * STEP)
        yield from range(completed, first - 1, -STEP)

    def publish(self, name: str) -> None:
        """Offer a model."""
        order = {"publish": [{"name": name, "size": SIZE}]}
        self._loop.call_soon_threadsafe(self._simulator.control.apply, order)

    def install(self, name: str) -> None:
        """Have a model that is offered."""
        self._loop.call_soon_threadsafe(self._simulator.control.apply, {"install": [name]})

    def wait_for_ends(self, count: int) -> None:
        """Wait until so many more pulls have said all that they had to say."""
        for _end in range(count):
            if not self._ends.acquire(timeout=30):
                raise RuntimeError("a pull does not end")

    async def _handle(self, request: Request) -> Response:
        if request.path != "/api/pull":
            return await self._simulator.handle(request)
        self._pulls += 1
        name = json.loads(request.body)["model"]
        return Response(200, self._pull(name, self._pulls), {"content-type": NDJSON})

    async def _pull(self, name: str, number: int) -> AsyncGenerator[bytes]:
        yield line_of(status="pulling manifest")
        manifest = await self._manifest(name)
        digest = manifest["layers"][0]["digest"]
        for step in range(SETTLING + self.lines):
            await asyncio.sleep(random.uniform(SHORTEST, LONGEST))
            completed = (number * MOST_LINES + step) * STEP
            line = line_of(
                status=f"pulling {digest[7:19]}", digest=digest, total=SIZE, completed=completed
            )
            if step >= SETTLING:
                self.said[completed] = time.time()
            yield line
        # Else the end would be gathered with the last line into one event.
        await asyncio.sleep(LONGEST)
        self._simulator.control.apply({"install": [name]})
        yield line_of(status="success")
        self._ends.release()

    async def _manifest(self, name: str) -> dict[str, list[dict[str, str]]]:
        path = f"/v2/library/{name.partition(':')[0]}/manifests/latest"
        answer = await self._simulator.handle(Request("GET", path, {}, {}, b""))
        if not isinstance(answer.body, bytes):
            raise TypeError("the registry streams its manifests")
        found: dict[str, list[dict[str, str]]] = json.loads(answer.body)
        return found

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._server.start("127.0.0.1", 0), self._loop)
        self.url = f"http://127.0.0.1:{starting.result(10)}"
        return self

    def __exit__(self, *_failure: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def line_of(**fields: object) -> bytes:
    """A line of a stream."""
    return json.dumps(fields).encode() + b"\n"
