"""A worker's sign of life in Valkey, for whoever asks whether the panel can work."""

from __future__ import annotations

import contextlib
import logging
import threading

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

KEY = "ollamactl:worker-alive"
EVERY = 2.0  # seconds
KEPT = 6  # seconds; then the sign is gone by itself
TIMEOUT = 1.0  # seconds

_stop = threading.Event()


def worker_answers() -> bool:
    """Whether any worker gave a sign of life in the last seconds."""
    client = _client()
    try:
        return bool(client.exists(KEY))
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def beat() -> None:
    """Give one sign of life. Valkey that does not answer is no error: the next one may arrive."""
    client = _client()
    try:
        client.set(KEY, "1", ex=KEPT)
    except (redis.RedisError, OSError) as error:
        logger.debug("No sign of life could be given: %s", error)
    finally:
        client.close()


def start() -> None:
    """Go on giving signs until `stop`."""
    _stop.clear()
    threading.Thread(target=_beat_on, name="sign-of-life", daemon=True).start()


def stop() -> None:
    """Give no more signs."""
    _stop.set()


def _beat_on() -> None:
    while True:
        beat()
        if _stop.wait(EVERY):
            _take_back()
            return


def _take_back() -> None:
    """The sign goes with the worker; another one gives its own within seconds."""
    client = _client()
    with contextlib.suppress(redis.RedisError, OSError):
        client.delete(KEY)
    client.close()


def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.VALKEY_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )
