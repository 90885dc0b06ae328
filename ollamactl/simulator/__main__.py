"""`python -m ollamactl.simulator`: a simulated Ollama in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ollamactl.simulator.app import Simulator
from ollamactl.simulator.settings import Settings, parse_rate


def _rate(text: str) -> float:
    try:
        return parse_rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ollamactl.simulator",
        description="A simulated Ollama server and registry. No model bytes, no network.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--models", type=int, default=0, help="how many are installed at first")
    parser.add_argument("--speed", type=_rate, default=Settings.speed, help="of each pull: 50MB/s")
    parser.add_argument("--vram", type=_rate, default=Settings.vram, help="GPU memory: 24GB")
    parser.add_argument("--state", type=Path, help="a folder to remember in")
    parser.add_argument("--ready-file", type=Path, help="gets the URL once it answers")
    parser.add_argument("--control", action="store_true", help="take orders at /_sim/")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    settings = Settings(
        models=options.models,
        speed=options.speed,
        vram=int(options.vram),
        state=options.state,
        control=options.control,
    )
    simulator = Simulator(settings)
    port = await simulator.start(options.host, options.port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    url = f"http://{options.host}:{port}"
    if options.ready_file:
        fresh = options.ready_file.with_suffix(".new")
        fresh.write_text(f"{url}\n")
        fresh.replace(options.ready_file)
    sys.stdout.write(f"Simulated Ollama on {url}\n")
    sys.stdout.flush()
    await stop.wait()
    await simulator.close()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(f"The simulated Ollama cannot start: {error}\n")
        return 1
    finally:
        if options.ready_file:
            with contextlib.suppress(OSError):
                options.ready_file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
