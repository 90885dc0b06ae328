"""Texts to paste: for the shell, Python, Open WebUI and VS Code.

URLs and names of models come from outside, so each is quoted by the rules of its language.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import indent
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from models_app.choices import AuthKind
from models_app.connection.keys import PASSWORD, TOKEN, USER, Key
from models_app.connection.routes import DOCKER_HOST
from models_app.connection.situations import Place, Program

PLACEHOLDER = "llama3.2"
OPEN_WEBUI_IMAGE = "ghcr.io/open-webui/open-webui:main"
HELLO = [{"role": "user", "content": "Hello!"}]
# Ollama reads no key; the clients of OpenAI's shape insist on one.
ANY_KEY = "ollama"


@dataclass(frozen=True)
class Snippet:
    """`language`: shell, python or yaml. `title` says where it goes."""

    language: str
    title: str | Promise
    text: str


@dataclass(frozen=True)
class Target:
    """What a text is about."""

    url: str
    model: str
    key: Key
    place: Place

    @property
    def openai_url(self) -> str:
        """The URL in OpenAI's shape."""
        return f"{self.url}/v1"


def snippets_for(situation: str, target: Target) -> tuple[Snippet, ...]:
    """The texts for a situation."""
    write = _WRITERS.get(situation)
    return write(target) if write else _place(target)


def _place(target: Target) -> tuple[Snippet, ...]:
    ask = f"curl{_curl_key(target.key)} {shlex.quote(target.url)}/api/version"
    texts = [Snippet("shell", _("See whether it answers"), ask)]
    if target.key.kind == AuthKind.NONE:  # Ollama's own command brings no credentials
        command = f"OLLAMA_HOST={shlex.quote(target.url)} ollama ls"
        texts.append(Snippet("shell", _("Ollama's own command"), command))
    return tuple(texts)


def _curl(target: Target) -> tuple[Snippet, ...]:
    body = json.dumps({"model": target.model, "messages": HELLO, "stream": False})
    text = _continued(
        f"curl{_curl_key(target.key)} {shlex.quote(target.url)}/api/chat",
        f"-d {shlex.quote(body)}",
    )
    body = json.dumps({"model": target.model, "messages": HELLO})
    openai = _continued(
        f"curl{_curl_key(target.key)} {shlex.quote(target.openai_url)}/chat/completions",
        "-H 'Content-Type: application/json'",
        f"-d {shlex.quote(body)}",
    )
    return (
        Snippet("shell", _("Ollama's API"), text),
        Snippet("shell", _("OpenAI's shape of it"), openai),
    )


def _openai(target: Target) -> tuple[Snippet, ...]:
    imports, lines = _openai_key(target.key)
    text = f"""\
{imports}from openai import OpenAI

client = OpenAI(
    base_url={json.dumps(target.openai_url)},
{indent(lines, "    ")}
)
answer = client.chat.completions.create(
    model={json.dumps(target.model)},
    messages={json.dumps(HELLO)},
)
print(answer.choices[0].message.content)
"""
    return (Snippet("python", "Python · pip install openai", text),)


def _langchain(target: Target) -> tuple[Snippet, ...]:
    imports, lines = _langchain_key(target.key)
    text = f"""\
{imports}from langchain_ollama import ChatOllama

model = ChatOllama(
    model={json.dumps(target.model)},
    base_url={json.dumps(target.url)},
{indent(lines, "    ")})
print(model.invoke("Hello!").content)
"""
    return (Snippet("python", "Python · pip install langchain-ollama", text),)


def _open_webui(target: Target) -> tuple[Snippet, ...]:
    if target.place != Place.CONTAINER:
        key = f"OLLAMA_API_CONFIGS={_webui_key_in_shell()} " if _has_token(target.key) else ""
        command = f"{key}OLLAMA_BASE_URL={shlex.quote(target.url)} open-webui serve"
        return (Snippet("shell", "pip install open-webui", command),)
    return (
        Snippet("shell", _("In the shell"), _docker_run(target)),
        Snippet("yaml", "compose.yaml", _compose(target)),
    )


def _docker_run(target: Target) -> str:
    return _continued(
        "docker run -d --name open-webui -p 3000:8080",
        f"--add-host={DOCKER_HOST}:host-gateway" if _needs_gateway(target) else "",
        "-v open-webui:/app/backend/data",
        f"-e OLLAMA_BASE_URL={shlex.quote(target.url)}",
        f"-e OLLAMA_API_CONFIGS={_webui_key_in_shell()}" if _has_token(target.key) else "",
        f"--restart unless-stopped {OPEN_WEBUI_IMAGE}",
    )


def _compose(target: Target) -> str:
    lines = [
        "services:",
        "  open-webui:",
        f"    image: {OPEN_WEBUI_IMAGE}",
        '    ports: ["3000:8080"]',
        '    volumes: ["open-webui:/app/backend/data"]',
        f'    extra_hosts: ["{DOCKER_HOST}:host-gateway"]' if _needs_gateway(target) else "",
        "    environment:",
        f"      OLLAMA_BASE_URL: {_compose_text(target.url)}",
        _webui_key_in_compose() if _has_token(target.key) else "",
        "    restart: unless-stopped",
        "volumes:",
        "  open-webui:",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _vscode(target: Target) -> tuple[Snippet, ...]:
    # Continue joins its paths to the base as a browser does: without the slash the last part goes.
    lines = [
        "name: Ollama",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        f"  - name: {_yaml_text(target.model)}",
        "    provider: ollama",
        f"    model: {_yaml_text(target.model)}",
        f"    apiBase: {_yaml_text(target.url + '/')}",
        *_continue_key(target.key),
        "    roles: [chat, edit, apply]",
    ]
    title = _("For the extension Continue: ~/.continue/config.yaml")
    return (Snippet("yaml", title, "\n".join(lines) + "\n"),)


_WRITERS: dict[str, Callable[[Target], tuple[Snippet, ...]]] = {
    Program.CURL: _curl,
    Program.OPENAI: _openai,
    Program.LANGCHAIN: _langchain,
    Program.OPEN_WEBUI: _open_webui,
    Program.VSCODE: _vscode,
}


# --- what carries the key, in each language ------------------------------------------------------


def _curl_key(key: Key) -> str:
    if key.kind == AuthKind.NONE:
        return ""
    if key.kind == AuthKind.BASIC:
        return f' -u "${USER}:${PASSWORD}"'
    before = "Bearer " if key.kind == AuthKind.BEARER else ""
    return f' -H "{key.header}: {before}${TOKEN}"'


def _openai_key(key: Key) -> tuple[str, str]:
    if key.kind == AuthKind.NONE:
        return "", f'api_key="{ANY_KEY}",'
    if key.kind == AuthKind.BEARER:
        return "import os\n\n", f'api_key=os.environ["{TOKEN}"],'
    if key.kind == AuthKind.BASIC:
        imports = (
            "import base64\nimport os\n\n"
            f'pair = os.environ["{USER}"] + ":" + os.environ["{PASSWORD}"]\n'
            "basic = base64.b64encode(pair.encode()).decode()\n\n"
        )
        header = '"Authorization": f"Basic {basic}"'
        return imports, f'api_key="{ANY_KEY}",\ndefault_headers={{{header}}},'
    header = f'"{key.header}": os.environ["{TOKEN}"]'
    return "import os\n\n", f'api_key="{ANY_KEY}",\ndefault_headers={{{header}}},'


def _langchain_key(key: Key) -> tuple[str, str]:
    if key.kind == AuthKind.NONE:
        return "", ""
    if key.kind == AuthKind.BASIC:
        auth = f'"auth": (os.environ["{USER}"], os.environ["{PASSWORD}"])'
    else:
        before = '"Bearer " + ' if key.kind == AuthKind.BEARER else ""
        auth = f'"headers": {{"{key.header}": {before}os.environ["{TOKEN}"]}}'
    return "import os\n\n", f"client_kwargs={{{auth}}},\n"


def _continue_key(key: Key) -> list[str]:
    secret = f"${{{{ secrets.{TOKEN} }}}}"
    if key.kind == AuthKind.NONE:
        return []
    if key.kind == AuthKind.BEARER:
        return [f"    apiKey: {secret}"]
    value = '"Basic ${{ secrets.OLLAMA_BASIC }}"' if key.kind == AuthKind.BASIC else secret
    return ["    requestOptions:", "      headers:", f"        {key.header}: {value}"]


def _has_token(key: Key) -> bool:
    return key.kind == AuthKind.BEARER


def _webui_key_in_shell() -> str:
    return f"""'{{"0": {{"enable": true, "key": "'"${TOKEN}"'"}}}}'"""


def _webui_key_in_compose() -> str:
    return f"""      OLLAMA_API_CONFIGS: '{{"0": {{"enable": true, "key": "${{{TOKEN}}}"}}}}'"""


def _needs_gateway(target: Target) -> bool:
    return urlsplit(target.url).hostname == DOCKER_HOST


def _continued(*parts: str) -> str:
    """One command over several lines."""
    return " \\\n  ".join(filter(None, parts)) + "\n"


def _yaml_text(text: str) -> str:
    """A text as YAML reads it; JSON's strings are among YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _compose_text(text: str) -> str:
    """The same where compose looks for variables behind each dollar sign."""
    return _yaml_text(text.replace("$", "$$"))
