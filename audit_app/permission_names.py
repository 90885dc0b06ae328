"""Permissions in the reader's language: Django keeps their names in English, in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.forms import ModelMultipleChoiceField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    Choice = ModelMultipleChoiceField[Permission]
else:
    Choice = ModelMultipleChoiceField  # only the stubs make it generic

# What Django makes for every kind of record, by the beginning of the codename.
MADE_BY_DJANGO = {
    "add": _("Can add"),
    "change": _("Can change"),
    "delete": _("Can delete"),
    "view": _("Can view"),
}


def permission_name(permission: Permission) -> str:
    """As `models and servers | server | can add`; the panel's own with their full sentence."""
    word, _rest, of_what = permission.codename.partition("_")
    is_made = word in MADE_BY_DJANGO and of_what == permission.content_type.model
    said = MADE_BY_DJANGO[word] if is_made else gettext(permission.name)
    return f"{permission.content_type.app_labeled_name} | {said}"


class PermissionsField(Choice):
    """A choice of permissions."""

    def label_from_instance(self, obj: Any) -> str:
        """The permission in the reader's language."""
        return permission_name(obj)
