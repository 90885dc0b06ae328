"""The admin site at the root, with the panel's own pages in front of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm as AnyoneAuthenticationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import SimpleLazyObject
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from audit_app.actors import Actor, client_address
from audit_app.services import record_action
from ollamactl.lib.htmx import as_toast, is_fragment


class LoginForm(AuthenticationForm):  # type: ignore[misc]
    """Everybody with an account may log in; permissions decide what they see."""

    error_messages = AnyoneAuthenticationForm.error_messages

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse only who is not active: the check for `is_staff` is left out."""
        AnyoneAuthenticationForm.confirm_login_allowed(self, user)


class PanelSite(UnfoldAdminSite):  # type: ignore[misc]
    """Pages need a login, not `is_staff`; each page checks its own permission.

    The stock admin behind them asks for each model's own permissions, as everywhere.
    """

    login_form = LoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user has logged in."""
        return request.user.is_active and request.user.is_authenticated

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """As in Django, but found when it is shown: the panel's own pages do not show it."""
        found = super().get_app_list
        if app_label is not None:
            return found(request, app_label)
        return SimpleLazyObject(lambda: found(request))

    def admin_view(
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        """Ask for a login; a part of a page says so in place, so that nothing typed is lost."""
        guarded = super().admin_view(view, cacheable)

        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_fragment(request) and not self.has_permission(request):
                came_from = urlsplit(request.htmx.current_url or "").path  # type: ignore[attr-defined]
                said = render(request, "panel/logged_out_fragment.html", {"next": came_from or "/"})
                return as_toast(said, 401)
            response: HttpResponse = guarded(request, *args, **kwargs)
            return response

        return inner

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The login; on the panel's own machine it says where the first password is."""
        address = client_address(request)
        here = address is not None and ipaddress.ip_address(address).is_loopback
        file = settings.INITIAL_PASSWORD_FILE
        hint = {"first_password_file": file} if here and file.exists() else {}
        response: HttpResponse = super().login(request, {**hint, **(extra_context or {})})
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A user's own new password; that there is one is in the audit."""
        with transaction.atomic():
            response: HttpResponse = super().password_change(request, extra_context)
            if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
                actor = Actor.from_request(request)
                record_action(
                    actor=actor,
                    verb="user.change_password",
                    resource_type="user",
                    resource_id=request.user.pk,
                    resource_name=actor.name,
                )
        return response

    def extra_urls(self) -> list[URLPattern]:
        """The panel's own pages."""
        from audit_app.urls import urlpatterns as account_urls
        from models_app.urls import urlpatterns as models_urls
        from ollamactl.dashboard import dashboard_panel
        from ollamactl.help_pages import https_help
        from tasks_app.urls import urlpatterns as tasks_urls

        own = (
            path("dashboard/", dashboard_panel, name="dashboard"),
            path("help/https/", https_help, name="help-https"),
        )
        return [
            URLPattern(page.pattern, self.admin_view(page.callback), page.default_args, page.name)
            for page in (*own, *account_urls, *models_urls, *tasks_urls)
        ]
