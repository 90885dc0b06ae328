"""Asks the panel's own `/readyz`."""

import asyncio
import json
from dataclasses import dataclass

TIMEOUT = 5.0


@dataclass(frozen=True)
class Readiness:
    """Whether the panel is ready, else what is not."""

    ready: bool
    detail: str = ""


async def ask_readiness(address: tuple[str, int]) -> Readiness:
    """Ask once; whatever goes wrong is "not ready", with its reason."""
    try:
        async with asyncio.timeout(TIMEOUT):
            head, _, body = (await _get(*address, "/readyz")).partition(b"\r\n\r\n")
    except (OSError, TimeoutError) as error:
        return Readiness(False, f"the web server does not answer ({str(error) or 'timeout'})")
    if head.split(b" ")[1:2] == [b"200"]:
        return Readiness(True)
    return Readiness(False, _summary(body))


async def _get(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # Loopback names are always allowed hosts.
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        return await reader.read(65536)
    finally:
        writer.close()


def _summary(body: bytes) -> str:
    text = body.decode(errors="replace")
    try:
        return json.dumps(json.loads(text))[:500]
    except ValueError:
        return " ".join(text.split())[:200]
