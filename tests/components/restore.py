"""Brings a server that tests share back to its first state."""

from pathlib import Path

import httpx

from tests.components.inventory import TINY_MODEL_NAME
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess, copy_store


def restore_ollama(server: OllamaProcess, store: Path) -> None:
    """Have the server run with the tiny model alone, unloaded."""
    server.thaw()
    server.start()
    with httpx.Client(base_url=server.url, timeout=30, verify=PLAIN, trust_env=False) as client:
        names = {model["name"] for model in client.get("/api/tags").json()["models"]}
        loaded = {model["name"] for model in client.get("/api/ps").json()["models"]}
        for name in names - {TINY_MODEL_NAME}:
            client.request("DELETE", "/api/delete", json={"model": name})
        for name in loaded:
            client.post("/api/generate", json={"model": name, "keep_alive": 0})
    if TINY_MODEL_NAME not in names:
        copy_store(store, server.models_dir)
