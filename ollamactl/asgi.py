"""The ASGI application: pages and API by Django, the socket by Channels."""

from __future__ import annotations

import os

import django
from django.conf import settings

from ollamactl.lib.quick_imports import quick_imports

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
with quick_imports(postgresql="postgresql" in settings.DATABASES["default"]["ENGINE"]):
    django.setup(set_prefix=False)
    from ollamactl.lib.one_thread import OneThreadHandler

    django_application = OneThreadHandler()
    import ollamactl.urls  # noqa: F401 - now, not with the first request

from channels.routing import ProtocolTypeRouter

from ollamactl.lib.figures import report_as
from ollamactl.lib.request_limits import limit_requests
from ollamactl.lib.web_end import end_in_time
from ollamactl.routing import websocket_application

limit_requests()
end_in_time()
report_as("web")
application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})
