"""Runs the `bootstrap` command of Django's side: migrations, roles and the first administrator."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping

from ollamactl.cli.text import gettext as _
from ollamactl.supervisor.environment import PROJECT
from ollamactl.supervisor.log_sink import LogSink
from ollamactl.supervisor.problems import StartError
from ollamactl.supervisor.records import parse_line

# How Django prints an expected failure of a command.
EXPECTED = "CommandError: "
CHECK = "--check"
"""Only say whether the database is ready."""


async def run_bootstrap(environment: Mapping[str, str], log: LogSink, demo_url: str = "") -> None:
    """Prepare the database. Raises `StartError` with the sentence that the command ended with."""
    command = [sys.executable, "-m", "django", "bootstrap", "--no-color"]
    if demo_url:
        command += ["--demo-url", demo_url]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        cwd=PROJECT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            # Interrupted: a migration is a transaction, so that it is undone or done.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    for line in lines:
        if not line.startswith(EXPECTED):
            log.write(parse_line("setup", line))
    if process.returncode != 0:
        raise StartError(reason_of(lines))


def reason_of(lines: list[str]) -> str:
    """The sentence that the command ended with, out of all that it printed."""
    for line in reversed(lines):
        if line.startswith(EXPECTED):
            return line.removeprefix(EXPECTED)
    last = lines[-1] if lines else _("it said nothing")
    return _("The database could not be prepared: %(reason)s") % {"reason": last}
