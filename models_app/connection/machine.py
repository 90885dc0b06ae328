"""The machine on which the panel runs, as others reach it."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

import psutil

# Networks of containers on this machine, by the names of their interfaces.
BRIDGES = ("docker", "podman", "cni-podman")
# Interfaces that lead to nobody outside: networks of containers and of virtual machines.
INNER = (*BRIDGES, "br-", "veth", "virbr", "lxc", "lxd", "cali", "flannel", "cni")
MOST_ADDRESSES = 3


@dataclass(frozen=True)
class Machine:
    """`addresses`: hosts by which others reach it, the likeliest first. `bridge`: its address in
    the network of its containers, empty where it has none."""

    addresses: tuple[str, ...] = ()
    bridge: str = ""


def panel_machine(asked_as: str = "") -> Machine:
    """This machine. `asked_as`: the host by which somebody has reached the panel just now."""
    stats = psutil.net_if_stats()
    up = {name: found for name, found in psutil.net_if_addrs().items() if stats[name].isup}
    outer = (
        entry.address
        for name, entries in up.items()
        if not name.startswith(INNER)
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6) and _leads_here(entry.address)
    )
    inner = (
        entry.address
        for name, entries in up.items()
        if name.startswith(BRIDGES)
        for entry in entries
        if entry.family == socket.AF_INET
    )
    known = [asked_as] if asked_as and not is_loopback(asked_as) else []
    addresses = dict.fromkeys([*known, *_short_first(outer)])
    return Machine(tuple(addresses)[:MOST_ADDRESSES], next(inner, ""))


def is_loopback(host: str) -> bool:
    """Whether a host means the machine that asks for it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


def _leads_here(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:  # with a zone: link-local
        return False
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def _short_first(addresses: Iterable[str]) -> Iterator[str]:
    """Those of IPv4 before those of IPv6, which fewer programs take."""
    return iter(sorted(addresses, key=lambda text: not isinstance(ip_address(text), IPv4Address)))
