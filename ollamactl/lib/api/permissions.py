"""The permission of each view, declared in one place on the view.

    class ServerViewSet(...):
        permissions = {"list": "models_app.view_ollamaserver", "check": LOGIN}

The keys are the actions of a view set, or the lower-case HTTP methods of a plain view.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from ollamactl.lib.errors import NotPermitted

LOGIN = ""
"""In place of a codename: any user who is logged in."""


class HasCodename(IsAuthenticated):
    """Logged in, and holding the codename that the view declares for what is asked."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        permission = declared_permission(view, request.method or "")
        if permission and not request.user.has_perm(permission):
            raise NotPermitted(
                _("You are not permitted to do this. Ask an administrator for “%(permission)s”.")
                % {"permission": permission},
                extra={"permission": permission},
            )
        return True


def declared_permission(view: Any, method: str) -> str:
    """The codename that a view declares; `LOGIN` for what it will refuse as a wrong method."""
    if getattr(view, "action_map", None):
        action = view.action
        if action is None or action == "metadata":
            return LOGIN
    else:
        action = {"HEAD": "get"}.get(method, method.lower())
        if not hasattr(view, action):
            return LOGIN
    try:
        return str(view.permissions[action])
    except (AttributeError, KeyError):
        raise ImproperlyConfigured(
            f"{type(view).__name__} declares no permission for {action!r}"
        ) from None
