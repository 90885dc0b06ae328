"""Where one Ollama server is, and how to prove who asks."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard import Policy, check_url, ssl_context

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
    | {"accept-encoding", "content-type", "expect", "keep-alive", "proxy-connection"}
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address and credentials.

    `credentials`: bearer `{token}`, basic `{username, password}`, header `{name, value}`. `ca_pem`:
    an own certificate authority. `label`: what people call the server, for the errors' sentences.
    """

    base_url: str
    auth_kind: str = "none"
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_pem: str = field(default="", repr=False)
    label: str = ""

    @property
    def shown(self) -> str:
        """The server's name in a sentence."""
        return self.label or urlsplit(self.base_url).netloc.rpartition("@")[2] or self.base_url

    def check(self) -> None:
        """Raises `InvalidInput`, with the field at fault, for what can never work."""
        try:
            check_url(self.base_url, allow_private=True)
        except InvalidInput as error:
            raise InvalidInput(error.detail, code=error.code, attr="base_url") from None
        self.auth_headers()
        ssl_context(self.ca_pem)

    def policy(self) -> Policy:
        """An administrator added this server, so it may be private or on this machine."""
        return Policy(allow_private=True, allow_loopback=True, ca_pem=self.ca_pem)

    def auth_headers(self) -> dict[str, str]:
        """The headers that carry the credentials; raises `InvalidInput` if they cannot."""
        if self.auth_kind == "none":
            return {}
        if self.auth_kind == "bearer":
            return {"Authorization": f"Bearer {self._credential('token')}"}
        if self.auth_kind == "basic":
            name, password = self._credential("username"), self._credential("password")
            if ":" in name:
                raise _invalid("username")
            pair = base64.b64encode(f"{name}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if self.auth_kind == "header":
            name, value = self._credential("name"), self._credential("value")
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
                raise _invalid("name")
            return {name: value}
        raise _invalid("auth_kind")

    def _credential(self, key: str) -> str:
        value = self.credentials.get(key)
        basic = self.auth_kind == "basic"  # the only kind that encodes what it carries
        if (
            not isinstance(value, str)
            or (not value and key != "password")
            or not value.isprintable()
            or not (basic or value.isascii())
            or value != value.strip()
        ):
            raise _invalid(key)
        return value


def _invalid(key: str) -> InvalidInput:
    return InvalidInput(
        _("These credentials cannot be sent. Check for missing parts, spaces and line breaks."),
        code="invalid_credentials",
        attr="credentials" if key != "auth_kind" else "auth_kind",
    )
