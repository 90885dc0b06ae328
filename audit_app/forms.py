"""The form of a user's own token."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

FOR_EVER = "never"


class TokenForm(forms.Form):
    """A new token: what it is called and how long it works."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What uses it, so that you know later which one to revoke."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    expires = forms.ChoiceField(
        label=_("Expires"),
        choices=[
            ("7", _("in 7 days")),
            ("30", _("in 30 days")),
            ("90", _("in 90 days")),
            ("365", _("in a year")),
            (FOR_EVER, _("never")),
        ],
        initial="30",
    )

    def expiry(self) -> datetime | None:
        """The moment when it ends; None is for ever."""
        chosen = self.cleaned_data["expires"]
        return None if chosen == FOR_EVER else timezone.now() + timedelta(days=int(chosen))
