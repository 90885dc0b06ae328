"""How fast downloads have come over the last minutes: a bounded list in Valkey.

Pages begin with it and go on from live events. It is no more than a picture: without Valkey, or
after its loss, it begins anew.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db.models import Sum

from models_app.pulls import PULL_TYPE
from tasks_app.choices import State
from tasks_app.models import Task

logger = logging.getLogger(__name__)

KEY = "ollamactl:download-rates"
EVERY = 5  # seconds between two samples
KEPT = 120  # samples: ten minutes
TIMEOUT = 1.0  # seconds


@dataclass(frozen=True)
class Sample:
    """Bytes a second of all downloads together at a moment (seconds since the epoch)."""

    at: int
    rate: int


def rate_now() -> int:
    """Bytes a second of all downloads that run, as their rows say."""
    running = Task.objects.filter(type=PULL_TYPE, state=State.RUNNING).order_by()
    return int(running.aggregate(rate=Sum("rate"))["rate"] or 0)


def take_sample() -> None:
    """Keep one sample; of several workers that do it at the same time one does it."""
    at = int(time.time()) // EVERY * EVERY
    client = _client()
    try:
        if client.set(f"{KEY}:{at}", "1", nx=True, ex=2 * EVERY):
            client.rpush(KEY, json.dumps([at, rate_now()]))
            client.ltrim(KEY, -KEPT, -1)
    except (redis.RedisError, OSError) as error:
        logger.debug("No sample of the rate could be kept: %s", error)
    finally:
        client.close()


def samples() -> list[Sample]:
    """The samples of the last ten minutes, the oldest first; none where Valkey does not answer."""
    client = _client()
    try:
        kept = client.lrange(KEY, 0, -1)
    except (redis.RedisError, OSError):
        return []
    finally:
        client.close()
    oldest = time.time() - EVERY * KEPT
    read = [Sample(*json.loads(each)) for each in kept]
    return [sample for sample in read if sample.at >= oldest]


def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.VALKEY_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )
