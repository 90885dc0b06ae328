"""Sockets: one address, one protocol."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from tasks_app.consumers import EventsConsumer

websocket_application = AuthMiddlewareStack(
    URLRouter([path("ws/v1/events/", EventsConsumer.as_asgi())])
)
