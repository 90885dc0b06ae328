"""Who did what: records, roles and tokens."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Roles are granted after each migration; the first password's file ends with its use."""

    name = "audit_app"
    verbose_name = _("Audit")

    def ready(self) -> None:
        from django.contrib.auth import get_user_model, signals

        from audit_app import logins, passwords, roles

        # Names that say something to people: of the lock-out, and of what is called a group there.
        apps.get_app_config("axes").verbose_name = _("Failed logins")
        apps.get_app_config("auth").verbose_name = _("Users and roles")
        post_migrate.connect(roles.grant_roles, dispatch_uid="audit_app.roles")
        post_save.connect(
            passwords.forget_initial_password,
            sender=get_user_model(),
            dispatch_uid="audit_app.passwords",
        )
        for signal, receiver in (
            (signals.user_logged_in, logins.note_login),
            (signals.user_logged_out, logins.note_logout),
            (signals.user_login_failed, logins.note_failure),
        ):
            signal.connect(receiver, dispatch_uid=f"audit_app.{receiver.__name__}")
