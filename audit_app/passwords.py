"""The first administrator and the file with the first password."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from audit_app.roles import ADMINISTRATOR

FIRST_USER = "admin"


def create_first_administrator() -> bool:
    """Make the user `admin` with a random password in a file, when there is no superuser yet.

    The file is written first: a crash between the two leaves a file that the next start replaces,
    never a user whose password nobody knows. A user of that name without the rights gets them, and
    the new password: somebody who owns the machine is locked out. Returns whether it was done.
    """
    if User.objects.filter(is_superuser=True).exists():
        return False
    password = secrets.token_urlsafe(15)
    write_secret_file(settings.INITIAL_PASSWORD_FILE, password)
    with transaction.atomic():
        # Saved once, with the password of the file: without it, saving deletes the file.
        user = User.objects.filter(username=FIRST_USER).first() or User(username=FIRST_USER)
        user.is_superuser = user.is_staff = user.is_active = True
        user.set_password(password)
        user.save()
        user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    return True


def write_secret_file(path: Path, text: str) -> None:
    """Replace `path` with one line, 0600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def forget_initial_password(
    sender: type[User], instance: User, update_fields: Any = None, **kwargs: Any
) -> None:
    """Delete the file once its password is not the user's any more (a receiver of `post_save`)."""
    if instance.username != FIRST_USER or (
        update_fields is not None and "password" not in update_fields
    ):
        return
    path: Path = settings.INITIAL_PASSWORD_FILE
    try:
        password = path.read_text().strip()
    except OSError:
        return
    if not instance.check_password(password):
        path.unlink(missing_ok=True)
