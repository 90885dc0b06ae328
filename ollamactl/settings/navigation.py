"""The shell's sidebar, scripts and styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _asset(path: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(path)


def _allowed(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _item(title: Any, icon: str, url: str, permission: str = "") -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse_lazy(url)}
    if permission:
        item["permission"] = _allowed(permission)
    return item


ICON = _asset("panel/logo.svg")
FAVICONS = [{"rel": "icon", "type": "image/svg+xml", "href": _asset("panel/favicon.svg")}]
STYLES = [_asset(f"panel/{name}.css") for name in ("panel", "batches", "find")]
SCRIPTS = [_asset(f"panel/{name}.js") for name in ("live", "lists", "panel", "times", "select")]
ACCOUNT = {
    "navigation": [
        {"title": _("API tokens"), "link": reverse_lazy("admin:tokens")},
        {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
    ]
}
SIDEBAR = {
    "show_search": False,
    "show_all_applications": False,
    "navigation": [
        {
            "items": [
                _item(_("Dashboard"), "dashboard", "admin:index"),
                _item(_("Models"), "deployed_code", "admin:models", "models_app.view_ollamamodel"),
                _item(_("Chat"), "chat", "admin:chats", "models_app.chat_ollamamodel"),
                _item(
                    _("Catalogue"), "menu_book", "admin:catalogue", "models_app.view_ollamamodel"
                ),
                _item(_("Downloads"), "download", "admin:downloads", "tasks_app.view_task"),
                _item(_("Servers"), "dns", "admin:servers", "models_app.view_ollamaserver"),
                _item(_("Tasks"), "checklist", "admin:tasks", "tasks_app.view_task"),
            ]
        },
        {
            "title": _("Administration"),
            "separator": True,
            "items": [
                _item(
                    _("Settings"),
                    "settings",
                    "admin:settings",
                    "models_app.view_panelsettings",
                ),
                _item(
                    _("Audit"),
                    "history",
                    "admin:audit_app_auditrecord_changelist",
                    "audit_app.view_auditrecord",
                ),
                _item(_("Users"), "group", "admin:auth_user_changelist", "auth.view_user"),
                _item(
                    _("Roles"),
                    "admin_panel_settings",
                    "admin:auth_group_changelist",
                    "auth.view_group",
                ),
            ],
        },
    ],
}
