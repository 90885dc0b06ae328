"""The forms of what is done with one model. What they let through the services check again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.services.lifecycle import parse_name
from ollamactl.lib.errors import InvalidInput

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class NewNameForm(forms.Form):
    """The name that a model or its copy shall have."""

    name = forms.CharField(
        label=_("New name"),
        max_length=600,
        help_text=_("For example my-llama or team/llama:7b; without a tag it is “latest”."),
        widget=forms.TextInput(attrs={**PLAIN, "autofocus": True}),
    )

    def clean_name(self) -> str:
        """The name in the form in which Ollama shows it."""
        try:
            return parse_name(self.cleaned_data["name"]).display
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error
