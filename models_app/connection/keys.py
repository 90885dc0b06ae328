"""How a program proves itself to a server. The secret itself is never among what is shown: texts
name the variable of the environment in which its owner has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models_app.choices import AuthKind
from models_app.models import OllamaServer

TOKEN = "OLLAMA_API_KEY"  # noqa: S105 - the names of variables
USER, PASSWORD = "OLLAMA_USER", "OLLAMA_PASSWORD"
UNTOLD_HEADER = "X-Name-Of-The-Header"
_PLAIN_HEADER = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Key:
    """What a server asks for. `header`: the name of the header that carries it, empty for none.

    `has_ca`: the server's certificate comes from an authority of its owner's own.
    """

    kind: AuthKind
    header: str = ""
    has_ca: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that hold the secret where the program runs."""
        if self.kind == AuthKind.NONE:
            return ()
        return (USER, PASSWORD) if self.kind == AuthKind.BASIC else (TOKEN,)


def key_of(server: OllamaServer, *, told: bool) -> Key:
    """What a server asks for. `told`: whether the reader may know more of the credentials than
    their kind; else a header of the owner's own stays without its name."""
    kind = AuthKind(server.auth_kind)
    header = "" if kind == AuthKind.NONE else "Authorization"
    if kind == AuthKind.HEADER:
        name = str((server.credentials or {}).get("name", ""))
        # Names that would have to be quoted in every language are as good as untold.
        header = name if told and _PLAIN_HEADER.fullmatch(name) else UNTOLD_HEADER
    return Key(kind, header, bool(server.ca_pem.strip()))
