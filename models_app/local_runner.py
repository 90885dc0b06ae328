"""The processes in which an Ollama on this machine runs its models.

Ollama itself has no call that ends a request in flight: its process for the model has to end. What
was being answered then gets an error, and Ollama goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil

from models_app.models import OllamaServer
from models_app.probes import LOOPBACK, port_of


def may_be_forced(server: OllamaServer) -> bool:
    """Whether the server's address is this machine's, and its models run in processes."""
    return urlsplit(server.base_url).hostname in LOOPBACK and not server.is_simulated


def end_runners(server: OllamaServer, weights: str) -> int:
    """End the processes of `server` that have these weights (64 hex digits); returns how many.

    Only descendants of the process that listens at the server's port are looked at; 0 where the
    port leads elsewhere (a tunnel, a container), or the processes are another user's.
    """
    ended = 0
    for process in _descendants(port_of(server)):
        try:
            words = process.cmdline()
            if "runner" in words and any(word.endswith(f"sha256-{weights}") for word in words):
                process.kill()
                ended += 1
        except psutil.Error:
            continue  # gone by itself, or not ours to end
    return ended


def _descendants(port: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if any(_listens(found, port) for found in process.net_connections("tcp")):
                yield from process.children(recursive=True)
        except psutil.Error:
            continue


def _listens(connection: object, port: int) -> bool:
    address = getattr(connection, "laddr", None)
    is_listening = getattr(connection, "status", "") == psutil.CONN_LISTEN
    return is_listening and bool(address) and getattr(address, "port", None) == port
