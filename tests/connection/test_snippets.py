"""The texts to paste: each is run, or read by the language that it is for."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, TypeGuard

import pytest
import yaml

from models_app.choices import AuthKind
from models_app.connection.keys import Key
from models_app.connection.situations import SITUATIONS, Place, Program
from models_app.connection.snippets import Snippet, Target, snippets_for
from tests.components.ollama_server import OllamaProcess
from tests.helpers.keyed_proxy import keyed_proxy

URL = "http://192.168.1.20:11434"
NASTY = "http://h.example:1/a'b$(touch%20x);&`id`${HOME}"
KEYS = {
    "none": Key(AuthKind.NONE),
    "bearer": Key(AuthKind.BEARER, "Authorization"),
    "basic": Key(AuthKind.BASIC, "Authorization"),
    "header": Key(AuthKind.HEADER, "X-Lab-Key"),
}
SECRET = "s3cret"
SECRETS = {"OLLAMA_API_KEY": SECRET, "OLLAMA_USER": "ada", "OLLAMA_PASSWORD": SECRET}
SENT = {
    "bearer": ("Authorization", f"Bearer {SECRET}"),
    "basic": ("Authorization", "Basic YWRhOnMzY3JldA=="),
    "header": ("X-Lab-Key", SECRET),
}


# In place of each command: it shows what it was given.
COMMANDS = re.compile(r"(?<![\w/-])(curl|docker|ollama(?= ls)|open-webui(?= serve))(?= )")
SHOW = 'show() { printf "%s\\n" "$@" "${OLLAMA_HOST-}${OLLAMA_BASE_URL-}"; }\n'


def target(url: str = URL, kind: str = "none", **fields: Any) -> Target:
    place = fields.pop("place", Place.THIS_MACHINE)
    return Target(url, fields.pop("model", "llama3.2:latest"), KEYS[kind], place)


def all_snippets(url: str = URL) -> Iterator[tuple[str, Snippet]]:
    for situation in SITUATIONS:
        for kind in KEYS:
            for place in Place:
                for snippet in snippets_for(situation, target(url, kind, place=place)):
                    yield f"{situation} {kind} {place}", snippet


def shell(text: str) -> str:
    """What a script prints; the secrets are in its environment."""
    environment = {"PATH": os.environ["PATH"], **SECRETS}
    command = ["bash", "-euc", text]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout


@pytest.mark.parametrize("url", [URL, NASTY])
def test_every_text_is_whole_in_its_language(url: str) -> None:
    count = 0
    for name, snippet in all_snippets(url):
        count += 1
        if snippet.language == "python":
            ast.parse(snippet.text)
        elif snippet.language == "yaml":
            assert isinstance(yaml.safe_load(snippet.text), dict), name
        else:
            subprocess.run(["bash", "-n"], input=snippet.text, text=True, check=True)
    assert count > 50


def test_odd_addresses_reach_the_program_as_they_are() -> None:
    for _name, snippet in all_snippets(NASTY):
        if snippet.language == "python":
            texts = [node.value for node in ast.walk(ast.parse(snippet.text)) if is_text(node)]
            assert {NASTY, f"{NASTY}/v1"} & set(texts)
        elif snippet.language == "shell":
            told = shell(SHOW + COMMANDS.sub("show", snippet.text))
            assert NASTY in told, snippet.text
    (compose,) = [
        yaml.safe_load(snippet.text)
        for snippet in snippets_for(Program.OPEN_WEBUI, target(NASTY, place=Place.CONTAINER))
        if snippet.language == "yaml"
    ]
    given = compose["services"]["open-webui"]["environment"]["OLLAMA_BASE_URL"]
    assert given.replace("$$", "$") == NASTY  # as compose reads it


def is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


@needs_curl
def test_curl_talks_to_the_real_model(real_ollama: OllamaProcess, real_model_name: str) -> None:
    aimed = target(real_ollama.url, model=real_model_name)
    native, openai = snippets_for(Program.CURL, aimed)
    short = native.text.replace('"stream": false', '"stream": false, "options": {"num_predict": 3}')
    answer = json.loads(shell(short))
    assert answer["done"]
    assert answer["message"]["content"]
    answer = json.loads(shell(openai.text.replace('{"model"', '{"max_tokens": 3, "model"')))
    assert answer["choices"][0]["message"]["content"]
    version, *_ollama = snippets_for(Place.THIS_MACHINE, aimed)
    assert json.loads(shell(version.text)) == {"version": "0.24.0"}


def test_ollamas_own_command_reaches_the_real_one(
    real_ollama: OllamaProcess, real_model_name: str
) -> None:
    _version, command = snippets_for(Place.THIS_MACHINE, target(real_ollama.url))
    script = command.text.replace(" ollama ", f" {real_ollama.binary} ")
    assert real_model_name in shell(f"export HOME={real_ollama.folder}; {script}")


@needs_curl
@pytest.mark.parametrize("kind", list(SENT))
def test_curl_brings_the_key_that_its_owner_has(real_ollama: OllamaProcess, kind: str) -> None:
    header, value = SENT[kind]
    with keyed_proxy(real_ollama.url, header, value) as url:
        version, *_rest = snippets_for(Place.THIS_MACHINE, target(url, kind))
        assert json.loads(shell(version.text)) == {"version": "0.24.0"}


def test_a_container_is_shown_the_way_to_its_host() -> None:
    inside = target("http://host.docker.internal:11434", place=Place.CONTAINER)
    run, compose = snippets_for(Program.OPEN_WEBUI, inside)
    assert "--add-host=host.docker.internal:host-gateway" in run.text
    assert "extra_hosts" in compose.text
    outside = target(place=Place.CONTAINER)
    assert not any("host-gateway" in s.text for s in snippets_for(Program.OPEN_WEBUI, outside))


def test_open_webui_is_given_the_key_as_it_reads_it() -> None:
    aimed = target(kind="bearer", place=Place.CONTAINER)
    run, compose = snippets_for(Program.OPEN_WEBUI, aimed)
    told = shell(SHOW + COMMANDS.sub("show", run.text, count=1))
    (line,) = [line for line in told.splitlines() if line.startswith("OLLAMA_API_CONFIGS=")]
    key = {"0": {"enable": True, "key": SECRET}}
    assert json.loads(line.partition("=")[2]) == key
    environment = yaml.safe_load(compose.text)["services"]["open-webui"]["environment"]
    given = environment["OLLAMA_API_CONFIGS"].replace("${OLLAMA_API_KEY}", SECRET)
    assert json.loads(given) == key


def test_continue_gets_a_base_that_keeps_its_path() -> None:
    (text,) = snippets_for(Program.VSCODE, target("https://h.example/gpu", "bearer"))
    (model,) = yaml.safe_load(text.text)["models"]
    assert model["apiBase"] == "https://h.example/gpu/"
    assert model["apiKey"] == "${{ secrets.OLLAMA_API_KEY }}"
    assert model["provider"] == "ollama"
