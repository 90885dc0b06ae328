"""The forms of what is done with one model. What they let through the services check again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaModel
from models_app.services.lifecycle import parse_name
from models_app.services.parameters import known_lines, read_lines
from models_app.services.recreating import LONGEST_TEXT
from models_app.services.starting import LEAST_CONTEXT, MOST_CONTEXT
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import join_sentences

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class StartForm(forms.Form):
    """How a model is loaded."""

    keep_alive = forms.CharField(
        label=_("Keep it in memory for"),
        max_length=32,
        initial="-1",
        help_text=_(
            "After its last request: seconds, or for example 30m or 1h30m; -1 keeps it until it is "
            "stopped."
        ),
        widget=forms.TextInput(attrs=PLAIN),
    )
    num_ctx = forms.IntegerField(
        label=_("Context length in tokens"),
        required=False,
        min_value=LEAST_CONTEXT,
        max_value=MOST_CONTEXT,
    )

    def __init__(self, *args: Any, model: OllamaModel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = model.context_length
        known = _("At most %(most)s.") % {"most": most} if most else ""
        rest = _(
            "Empty: the model's or the server's default. More context takes more memory, and a "
            "request that asks for another length loads the model anew."
        )
        self.fields["num_ctx"].help_text = f"{known} {rest}".strip()


class RecreateForm(forms.Form):
    """What shall be different about a model."""

    parameters = forms.CharField(
        label=_("Modelfile parameters"),
        required=False,
        max_length=10_000,
        help_text=_("One a line, for example “temperature 0.7” or “num_ctx 8192”."),
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4, "autofocus": True}),
    )
    system = forms.CharField(
        label=_("System prompt"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    template = forms.CharField(
        label=_("Template"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={**PLAIN, "rows": 3}),
    )

    def __init__(self, *args: Any, model: OllamaModel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.present = known_lines(model.parameter_lines)
        if self.present:
            field = self.fields["parameters"]
            field.initial = self.present
            field.widget.attrs["rows"] = min(12, max(4, self.present.count("\n") + 2))
            stays = _("A line that you take away stays as it is in the model.")
            field.help_text = join_sentences(field.help_text, stays)

    def clean_parameters(self) -> dict[str, Any]:
        """The parameters by name, in their types; without those that the model has already."""
        try:
            given = read_lines(self.cleaned_data["parameters"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error
        present = _read_leniently(self.present)
        return {name: value for name, value in given.items() if present.get(name) != value}


def _read_leniently(lines: str) -> dict[str, Any]:
    """What a server said is data: of what cannot be read nothing is known."""
    try:
        return read_lines(lines)
    except InvalidInput:
        return {}


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
