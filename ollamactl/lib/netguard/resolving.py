"""Where connections go: to addresses that a policy lets through, and to no others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.netguard.addresses import Address, judge_address
from ollamactl.lib.netguard.errors import AddressRefused, NameNotResolved
from ollamactl.lib.netguard.policy import Policy

# Threads of its own: a resolver that hangs must not use up those that everything else runs on.
_RESOLVERS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")
_MOST_ADDRESSES = 4


class GuardedResolver(AbstractResolver):
    """The addresses of a name, each once and in the system's order, those that are allowed."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `NameNotResolved`, or `AddressRefused` where none is allowed."""
        found = self._allowed(await _look_up(host, port, family))
        return [_numeric(host, address, port) for address in found[:_MOST_ADDRESSES]]

    async def close(self) -> None:
        """Nothing is open."""

    def _allowed(self, addresses: Iterable[Address]) -> list[Address]:
        allowed: list[Address] = []
        refusal: AddressRefused | None = None
        for address in addresses:
            try:
                judge(self._policy, address)
            except AddressRefused as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed:
            raise refusal or NameNotResolved(_("The name of the host has no address."))
        return allowed


def judge(policy: Policy, address: Address) -> None:
    """Raises `AddressRefused` where the policy does not let a call go there."""
    judge_address(address, allow_private=policy.allow_private, allow_loopback=policy.allow_loopback)


def guarded_socket(policy: Policy, target: tuple[Any, ...]) -> socket.socket:
    """A socket for one of `getaddrinfo`'s answers; raises `AddressRefused` for a forbidden one.

    A number in a URL is never resolved, so every address is judged here, where it is used.
    """
    family, kind, protocol, _name, address = target
    judge(policy, ip_address(address[0]))
    return socket.socket(family=family, type=kind, proto=protocol)


async def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            _RESOLVERS,
            lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM),
        )
    except (OSError, UnicodeError):
        raise NameNotResolved(
            _("The name of the host is not known. Check its spelling, and the network's DNS.")
        ) from None
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def _numeric(host: str, address: Address, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
