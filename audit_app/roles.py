"""The three roles, as groups: administrator, operator, viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

ADMINISTRATOR, OPERATOR, VIEWER = "administrator", "operator", "viewer"
OPERATED_APPS = ("models_app", "tasks_app")
PANEL_APPS = ("audit_app", "tasks_app", "models_app")


# Where credentials are kept and where the panel connects to is for administrators.
NOT_OPERATED = Q(codename__startswith="override_") | Q(
    codename__in=(
        "add_ollamaserver",
        "change_ollamaserver",
        "delete_ollamaserver",
        "change_panelsettings",
    )
)


def grant_roles(
    sender: AppConfig, using: str = "default", plan: Sequence[Any] = (), **kwargs: Any
) -> None:
    """Give each role its permissions; after a migration, as permissions come with models.

    Where nothing was migrated a role stays as administrators have changed it.
    """
    if sender is not list(apps.get_app_configs())[-1]:
        return  # permissions come app by app: all are there with the last one's
    create_permissions(sender, verbosity=0, using=using)
    every = Permission.objects.using(using)
    seen = Q(codename__startswith="view_", content_type__app_label__in=(*PANEL_APPS,))
    operated = Q(content_type__app_label__in=OPERATED_APPS) & ~NOT_OPERATED
    for name, granted in (
        (ADMINISTRATOR, every.all()),
        (OPERATOR, every.filter(operated)),
        (VIEWER, every.filter(seen & ~Q(content_type__app_label="audit_app"))),
    ):
        group, made = Group.objects.using(using).get_or_create(name=name)
        if made or plan:
            group.permissions.add(*granted)
