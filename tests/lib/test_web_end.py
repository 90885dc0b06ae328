"""A web process that is told to end does so, though a request hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from ollamactl.supervisor.environment import PROJECT
from tests.components.launching import ending_with_us
from tests.components.waiting import free_port, wait_until

HANGING = """
import threading
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from ollamactl.lib.web_end import end_in_time
end_in_time(0.2)

def work():
    print("begun", flush=True)
    threading.Event().wait()

async def application(scope, receive, send):
    async with ThreadSensitiveContext():
        await sync_to_async(work)()
"""


def test_a_request_that_hangs_keeps_no_process(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-p", str(port), "hanging:application"]
    process = subprocess.Popen(
        ending_with_us(command),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None

        def connected() -> socket.socket | None:
            try:
                return socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                return None

        with wait_until(connected, "the server listens") as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
