"""Who acts: a user through a surface from an address, or the panel itself."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audit_app.choices import Origin
from ollamactl.lib.errors import NotPermitted


@dataclass(frozen=True)
class Actor:
    """The cause of an action. `user` is None for the panel itself, which may do everything."""

    user: User | None
    origin: Origin
    address: str | None = None

    @classmethod
    def from_request(cls, request: HttpRequest, origin: Origin = Origin.PAGE) -> Actor:
        """The actor of a request to a page or the API."""
        user = request.user
        if isinstance(user, AnonymousUser):
            raise NotPermitted(_("Log in first."), code="not_authenticated")
        if origin is Origin.API and request.headers.get("User-Agent", "").startswith("ollamactl/"):
            origin = Origin.COMMAND
        return cls(user=user, origin=origin, address=client_address(request))

    @property
    def name(self) -> str:
        """The user's name; empty for the panel."""
        return self.user.get_username() if self.user else ""

    def may(self, permission: str) -> bool:
        """Whether this actor has a permission such as "models_app.pull_ollamamodel"."""
        return self.user is None or self.user.has_perm(permission)

    def require(self, permission: str) -> None:
        """Raise `NotPermitted` (403, with the codename) unless the actor has the permission."""
        if not self.may(permission):
            raise NotPermitted(
                _("You are not permitted to do this. Ask an administrator for “%(permission)s”.")
                % {"permission": permission},
                extra={"permission": permission},
            )


SYSTEM = Actor(user=None, origin=Origin.SYSTEM)


def client_address(request: HttpRequest) -> str | None:
    """The client's address: the peer's, or what a trusted proxy says of it.

    The header is read from its right end, past every trusted proxy, so that a client cannot choose
    its own address.
    """
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    if peer is None or not is_trusted_proxy(peer):
        return peer
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    for hop in reversed(hops):
        address = _address(hop.strip())
        if address is None:
            break
        peer = address
        if not is_trusted_proxy(address):
            break
    return peer


def is_trusted_proxy(text: str) -> bool:
    """Whether this is the address of a proxy whose word counts (`OLLAMACTL_TRUSTED_PROXIES`)."""
    address = _address(text)
    return address is not None and any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
        for network in settings.TRUSTED_PROXIES
    )


def _address(text: str) -> str | None:
    """An address in its one form; one of IPv4 that an IPv6 socket took is an IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
