"""One small answer from somewhere, redirects included, each hop checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard.client import open_client, read_body
from ollamactl.lib.netguard.errors import NoUsableAnswer, RedirectRefused, TotalTimeout
from ollamactl.lib.netguard.policy import Policy

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

PolicyForHop = Callable[[str], Policy]
"""From a redirect's whole URL to the policy there; raises an `ApplicationError` to refuse it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `url` is the last hop's, `body` the bytes as sent."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str


async def fetch(
    method: str,
    url: str,
    *,
    policy: Policy,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    policy_for_hop: PolicyForHop | None = None,
) -> Answer:
    """Send one request and read the whole answer, within `policy.total_timeout_s`.

    Redirects are followed only if the policy says so; then `policy_for_hop` judges each next URL
    (without it: the same policy, private and loopback addresses no longer allowed). A hop from
    https to http is refused, secrets stay with the first host, and a redirected request other than
    GET or HEAD is refused. Raises an `OutboundError`, or `InvalidInput` for the URL.
    """
    try:
        async with asyncio.timeout(policy.total_timeout_s):
            return await _follow(method, url, policy, dict(headers or {}), content, policy_for_hop)
    except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
        raise TotalTimeout(_("The answer did not come in time. Try again later.")) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoUsableAnswer(
            _("There is no answer, or it broke off. Check that the address is right and reachable.")
        ) from error


async def _follow(
    method: str,
    url: str,
    policy: Policy,
    headers: dict[str, str],
    content: bytes | None,
    policy_for_hop: PolicyForHop | None,
) -> Answer:
    judge = policy_for_hop or _public_only(policy)
    current = httpx.URL(url)
    hop_policy = policy
    for _hop in range(policy.max_redirects + 1):
        answer = await _one_hop(method, current, hop_policy, headers, content)
        location = answer.headers.get("location", "")
        if answer.status not in _REDIRECTS or not policy.follow_redirects or not location:
            return answer
        if method not in ("GET", "HEAD"):
            raise RedirectRefused(
                _("The service redirects to another address. Enter that address.")
            )
        target = _next_url(current, location)
        hop_policy = judge(str(target))
        if (target.scheme, target.host, target.port) != (
            current.scheme,
            current.host,
            current.port,
        ):
            headers = {k: v for k, v in headers.items() if k.lower() not in _PRIVATE_HEADERS}
        current = target
    raise RedirectRefused(_("The service redirects too many times."))


def _public_only(policy: Policy) -> PolicyForHop:
    return lambda _url: replace(policy, allow_private=False, allow_loopback=False)


def _next_url(current: httpx.URL, location: str) -> httpx.URL:
    try:
        target = current.join(location)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise RedirectRefused(_("The service redirects to something that is no address.")) from None
    if target.scheme not in ("http", "https") or target.userinfo or not target.host:
        raise RedirectRefused(_("The service redirects to something that is no web address."))
    if current.scheme == "https" and target.scheme != "https":
        raise RedirectRefused(
            _("The service redirects from https to plain http, which is refused.")
        )
    return target


async def _one_hop(
    method: str, url: httpx.URL, policy: Policy, headers: dict[str, str], content: bytes | None
) -> Answer:
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInput(
            _("The address must start with http:// or https://."), code="invalid_url"
        )
    async with (
        open_client(policy) as client,
        client.stream(method, url, headers=headers, content=content) as response,
    ):
        return Answer(response.status_code, response.headers, await read_body(response), str(url))
