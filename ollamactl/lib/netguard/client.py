"""The httpx client that keeps to a policy."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from ollamactl.lib.netguard.policy import Policy
from ollamactl.lib.netguard.transport import GuardedTransport


def open_client(
    policy: Policy,
    *,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.AsyncClient:
    """A client for one event loop; close it. It never follows redirects and ignores proxies,
    certificates and passwords that the environment or a netrc file offer.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(policy),
        base_url=base_url,
        auth=auth,
        headers={"Accept-Encoding": "identity", "User-Agent": "ollamactl", **(headers or {})},
        timeout=httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s),
        follow_redirects=False,
        trust_env=False,
    )


async def read_body(response: httpx.Response) -> bytes:
    """The whole body, which the transport bounds; raises `AnswerTooLarge` or httpx's errors."""
    return b"".join([chunk async for chunk in response.aiter_raw()])
