"""Hearing a group of the channel layer.

The layer's own `receive` hides a lost connection: it connects again and says nothing, and what was
published in between is missed without a trace. Here every subscription is confirmed, and each
confirmation after the first means that something may have been missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 2.0
PING_EVERY = 5.0
"""Seconds of silence after which the server is asked whether it is there; after two, it is not."""


async def hear_group(
    group: str,
    *,
    on_subscribed: Callable[[], None],
    on_message: Callable[[dict[str, Any]], None],
) -> None:
    """Call `on_message` for each message of the group until the server is lost.

    Calls `on_subscribed` whenever the server has confirmed the subscription. Ends only by an error:
    `redis.RedisError`, OSError or TimeoutError.
    """
    layer: Any = get_channel_layer()
    client = Redis.from_url(
        settings.VALKEY_URL,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=CONNECT_TIMEOUT,  # for its greeting; `get_message` has a timeout of its own
        retry=Retry(NoBackoff(), 0),
    )
    async with client, client.pubsub() as channel:
        # The name under which the layer's `group_send` publishes.
        await channel.subscribe(f"{layer.prefix}__group__{group}")
        asked = False
        while True:
            message = await channel.get_message(timeout=PING_EVERY)
            if message is None:
                if asked:
                    raise TimeoutError("Valkey does not answer")
                await channel.ping()
            asked = message is None
            if message is not None and message["type"] == "subscribe":
                on_subscribed()
            elif message is not None and message["type"] == "message":
                _pass_on(layer, message["data"], on_message)


def _pass_on(layer: Any, data: bytes, on_message: Callable[[dict[str, Any]], None]) -> None:
    try:
        on_message(layer.deserialize(data))
    except Exception:  # one message that cannot be read must not stop those after it
        logger.exception("a message of the channel layer cannot be used")
