"""How far an IP address reaches, and whether a call may go there."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.utils.translation import gettext_lazy as _

from ollamactl.lib.netguard.errors import AddressRefused

Address = IPv4Address | IPv6Address


class Reach(IntEnum):
    """Where an address leads, from harmless to never."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    FORBIDDEN = 3


# Services of cloud machines that hand out credentials; link-local ones are refused as such.
# AWS (IPv6), Google (IPv6), Alibaba, Azure, Oracle.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_IPV4_COMPATIBLE = IPv6Network("::/96")
_IPV4_TRANSLATED = IPv6Network("::ffff:0:0:0/96")


def reach_of(address: Address) -> Reach:
    """The reach of `address`; of one that carries another inside, the reach of that one."""
    if address in _METADATA:
        return Reach.FORBIDDEN
    if isinstance(address, IPv6Address):
        address = IPv6Address(int(address))  # without a zone, which the checks below cannot read
        if (special := _reach_of_carrier(address)) is not None:
            return special
    if address.is_loopback:
        return Reach.LOOPBACK
    if address.is_unspecified or address.is_link_local or address.is_multicast:
        return Reach.FORBIDDEN
    if isinstance(address, IPv4Address) and (address.is_reserved or address.packed[0] == 0):
        return Reach.FORBIDDEN
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def _reach_of_carrier(address: IPv6Address) -> Reach | None:
    """The reach of an IPv6 address that stands for an IPv4 one, or None for any other."""
    if address.ipv4_mapped is not None:
        return reach_of(address.ipv4_mapped)
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        return reach_of(last)
    if address in _NAT64_LOCAL:
        return max(Reach.PRIVATE, reach_of(last))
    if address in _SIX_TO_FOUR:
        return reach_of(IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
    if address in _TEREDO or address in _IPV4_TRANSLATED:
        return Reach.FORBIDDEN
    if address in _IPV4_COMPATIBLE and not address.is_loopback:
        return Reach.FORBIDDEN
    return None


def judge_address(address: Address, *, allow_private: bool, allow_loopback: bool) -> None:
    """Raises `AddressRefused`, with a sentence, if a call may not go to `address`."""
    reach = reach_of(address)
    if reach is Reach.FORBIDDEN:
        raise AddressRefused(
            _(
                "This address is never called: it is a link-local, metadata, multicast or "
                "unspecified one. Enter the address at which the service itself listens."
            )
        )
    if (reach is Reach.PRIVATE and not allow_private) or (
        reach is Reach.LOOPBACK and not allow_loopback
    ):
        raise AddressRefused(
            _(
                "This address is in a private network or on this machine. Only what an "
                "administrator has added may be there."
            )
        )
