"""What one kind of outbound call may do."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput

ONE_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Limits of an outbound call. Times in seconds, sizes in bytes.

    `read_timeout_s` is the longest silence while an answer comes; `total_timeout_s` (for `fetch`)
    spans name resolution, connection and the whole answer. `ca_pem` is a certificate authority of
    one's own, trusted besides the usual ones.
    """

    allow_private: bool = False
    allow_loopback: bool = False
    follow_redirects: bool = False
    max_redirects: int = 5
    max_bytes: int = ONE_MEGABYTE
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    total_timeout_s: float = 30.0
    ca_pem: str = ""


@lru_cache(maxsize=64)
def ssl_context(ca_pem: str = "") -> ssl.SSLContext:
    """Verified TLS with the system's authorities, and `ca_pem` besides if there is one.

    Raises `InvalidInput` if `ca_pem` is no certificate.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_pem.strip():
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError):
            raise InvalidInput(
                _(
                    "This is not a certificate in PEM form. Paste the text that starts with "
                    "BEGIN CERTIFICATE."
                ),
                code="invalid_certificate",
                attr="ca_pem",
            ) from None
    return context
