"""The ASGI application: pages and API by Django, the socket by Channels."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - needs the app registry

from ollamactl.lib.figures import report_as  # noqa: E402
from ollamactl.lib.request_limits import limit_requests  # noqa: E402
from ollamactl.routing import websocket_application  # noqa: E402

limit_requests()
report_as("web")
application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})
