"""One small answer from somewhere, redirects included, each hop checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext_lazy as _
from yarl import URL

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard.broken import Broken, Silent
from ollamactl.lib.netguard.client import GuardedClient, parsed_url
from ollamactl.lib.netguard.errors import NoUsableAnswer, RedirectRefused, TotalTimeout
from ollamactl.lib.netguard.policy import Policy

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

PolicyForHop = Callable[[str], Policy]
"""From a redirect's whole URL to the policy there; raises an `ApplicationError` to refuse it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `url` is the last hop's, `body` the bytes as sent, `headers` are found
    whatever their case."""

    status: int
    headers: Mapping[str, str]
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
    except (TimeoutError, Silent):
        raise TotalTimeout(_("The answer did not come in time. Try again later.")) from None
    except Broken as error:
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
    current = parsed_url(url)
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


def _next_url(current: URL, location: str) -> URL:
    try:
        target = current.join(URL(location))
    except ValueError:
        raise RedirectRefused(_("The service redirects to something that is no address.")) from None
    if target.scheme not in ("http", "https") or target.raw_user is not None or not target.host:
        raise RedirectRefused(_("The service redirects to something that is no web address."))
    if current.scheme == "https" and target.scheme != "https":
        raise RedirectRefused(
            _("The service redirects from https to plain http, which is refused.")
        )
    return target


async def _one_hop(
    method: str, url: URL, policy: Policy, headers: dict[str, str], content: bytes | None
) -> Answer:
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInput(
            _("The address must start with http:// or https://."), code="invalid_url"
        )
    async with (
        GuardedClient(policy) as client,
        client.stream(
            method,
            str(url),
            headers=headers,
            content=content,
            most=policy.max_bytes,
            silence_s=policy.read_timeout_s,
        ) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.body(), str(url))
