"""Judging a URL before anything is sent to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from ipaddress import ip_address

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from yarl import URL

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard.addresses import judge_address
from ollamactl.lib.netguard.errors import AddressRefused

_LONGEST_URL = 2000
HTTP_SCHEMES = ("http", "https")


def _invalid(sentence: Promise) -> InvalidInput:
    return InvalidInput(sentence, code="invalid_url")


def check_url(
    url: str, *, schemes: Collection[str] = HTTP_SCHEMES, allow_private: bool = False
) -> str:
    """`url` in its normal form: lower-case scheme and host, no default port, no ending slash.

    Checks the spelling, and a host that is written as a number; a name is judged when it is
    resolved, at the connection. `allow_private` lets private and loopback numbers through. Raises
    `InvalidInput` with a sentence (code `invalid_url` or `address_refused`).
    """
    parsed = _parse(url.strip())
    if parsed.scheme not in schemes:
        if "https" in schemes and "http" not in schemes:
            raise _invalid(_("The address must start with https://."))
        raise _invalid(_("The address must start with http:// or https://."))
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise _invalid(
            _("Leave user name and password out of the address, and enter them as credentials.")
        )
    if not parsed.host or parsed.port == 0:
        raise _invalid(_("The address needs a host, for example http://127.0.0.1:11434."))
    if parsed.query_string or parsed.fragment:
        raise _invalid(_("Leave out what follows the ? or # in the address."))
    _check_literal(parsed.host, allow_private=allow_private)
    return str(parsed).rstrip("/")


def _parse(text: str) -> URL:
    if len(text) > _LONGEST_URL:
        raise _invalid(_("The address is too long."))
    if any(unicodedata.category(char)[0] in "CZ" for char in text) or "\\" in text:
        raise _invalid(_("The address has spaces or other characters that cannot be in one."))
    if "://" not in text:
        raise _invalid(_("The address must start with http:// or https://."))
    try:
        return URL(text)
    except ValueError:
        raise _invalid(
            _("This is not an address. Write one such as http://127.0.0.1:11434.")
        ) from None


def _check_literal(host: str, *, allow_private: bool) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if host.rstrip(".").rpartition(".")[2].isdigit():
            # 127.1 or 2130706433: what it means depends on who reads it.
            raise _invalid(
                _("Write the number of the host in full, with four parts, or use its name.")
            ) from None
        return
    try:
        judge_address(address, allow_private=allow_private, allow_loopback=allow_private)
    except AddressRefused as error:
        raise InvalidInput(error.detail, code=error.code) from None
