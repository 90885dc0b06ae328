"""The form of the panel's settings; what it lets through is checked again by the service."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.choices import RetryOn
from models_app.models import PanelSettings
from models_app.services.panel_settings import EDITABLE
from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.filters import SizeField
from ollamactl.lib.formats import exact_size

SIZES = ("keep_free_disk", "keep_free_memory")


class SettingsForm(forms.Form):
    """Everything that holds for servers without a value of their own."""

    downloads_per_server = forms.IntegerField(
        label=_("Downloads at once on each server"), min_value=1, max_value=1000
    )
    downloads_overall = forms.IntegerField(
        label=_("Downloads at once in all"),
        min_value=1,
        max_value=10_000,
        required=False,
        help_text=_("Empty: as many as the servers' own limits allow."),
    )
    keep_free_disk = SizeField(
        label=_("Keep free on the disk"),
        help_text=_("A download that would leave less is not begun, or paused. For example 5 GB."),
    )
    keep_free_memory = SizeField(
        label=_("Keep free in memory"),
        help_text=_("A model that would leave less is warned of before it is downloaded."),
    )
    retry_on = forms.MultipleChoiceField(
        label=_("Try a download again after"),
        choices=RetryOn.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    retry_attempts = forms.IntegerField(
        label=_("Attempts"), min_value=1, max_value=100, help_text=_("With the first one.")
    )
    retry_backoff = forms.IntegerField(
        label=_("First pause in seconds"),
        min_value=1,
        max_value=3600,
        help_text=_("Each pause is twice as long as the one before."),
    )
    retry_longest = forms.IntegerField(
        label=_("Longest pause in seconds"), min_value=1, max_value=86_400
    )

    def __init__(
        self, *args: Any, panel: PanelSettings, may_change: bool = True, **kwargs: Any
    ) -> None:
        kwargs["initial"] = {name: getattr(panel, name) for name in EDITABLE} | {
            name: exact_size(getattr(panel, name)) for name in SIZES
        }
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.disabled = not may_change

    def show(self, error: ApplicationError) -> None:
        """Say a service's error at the field that it is about."""
        self.add_error(error.attr if error.attr in self.fields else None, str(error.detail))
