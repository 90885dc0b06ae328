"""The folder of an Ollama of this machine, as its own process says it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from models_app import listening
from models_app.listening import models_folder_behind
from models_app.models import OllamaServer
from models_app.probes import local_candidate, models_folder
from tests.components.ollama_server import OllamaProcess
from tests.components.waiting import free_port
from tests.factories import OllamaModelFactory


def test_the_real_one_says_where(real_ollama: OllamaProcess) -> None:
    assert models_folder_behind(real_ollama.port) == real_ollama.models_dir


@pytest.mark.django_db
def test_a_folder_of_its_own_is_found(real_ollama: OllamaProcess, settings: Any) -> None:
    settings.OLLAMA_MODELS_FOLDERS = []
    server = OllamaServer.objects.create(name="local", base_url=real_ollama.url)
    assert models_folder(server) == real_ollama.models_dir
    found = local_candidate(server)
    assert found is not None
    assert found.disk() is not None
    # What does not hold the models that the server has is not believed.
    OllamaModelFactory(server=server, name="llama3.2:latest", digest="f" * 64)
    assert models_folder(server) is None


def test_others_and_nobody_say_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert models_folder_behind(listener.getsockname()[1]) is None
    assert models_folder_behind(free_port()) is None


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"OLLAMA_MODELS": "/data/models", "HOME": "/root"}, Path("/data/models")),
        ({"OLLAMA_MODELS": "", "HOME": "/home/me"}, Path("/home/me/.ollama/models")),
        ({}, None),
    ],
)
def test_what_its_environment_means(environment: dict[str, str], folder: Path | None) -> None:
    assert listening._folder_in(environment) == folder
