"""A new password for somebody who cannot log in any more, from the panel's own machine."""

from __future__ import annotations

import secrets

from axes.utils import reset as lift_lock_out
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from audit_app.choices import Origin
from audit_app.services import record_action


class UnknownUser(Exception):
    """There is no such user; the text says who there is."""


class PasswordRefused(Exception):
    """The password is too weak; the text says why."""


def reset_user_password(username: str, password: str | None = None) -> str:
    """Set `password`, or a random one, and lift the user's lock-out; returns the password.

    Sessions of the user end with it. Raises `UnknownUser` or `PasswordRefused`.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        names = ", ".join(User.objects.order_by("pk").values_list("username", flat=True)[:20])
        raise UnknownUser(
            _("There is no user “%(name)s”. There are: %(names)s.")
            % {"name": username, "names": names or _("none")}
        )
    if password is None:
        password = secrets.token_urlsafe(15)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from error
    with transaction.atomic():
        user.set_password(password)
        user.is_active = True
        user.save(update_fields=["password", "is_active"])
        record_action(
            actor=Actor(user=None, origin=Origin.COMMAND),
            verb="user.reset_password",
            resource_type="user",
            resource_id=user.pk,
            resource_name=user.username,
        )
    lift_lock_out(username=username)
    return password
