"""Sockets: one address, one protocol."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.urls import path

from tasks_app.consumers import EventsConsumer

# Sessions, tokens and origins are the consumer's own affair: both ways in share one address.
events: Any = EventsConsumer.as_asgi()
websocket_application: Any = URLRouter([path("ws/v1/events/", events)])
