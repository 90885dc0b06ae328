"""The forms of chats. What they let through the services check again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from models_app.chat.choices import AnswerFormat, Format, Think, ThinkLevel
from models_app.chat.limits import LONGEST_PROMPT, LONGEST_SYSTEM, LONGEST_TITLE
from models_app.chat.records import ChatSession
from models_app.chat.sessions import chat_models, models_to_offer
from models_app.models import OllamaModel
from models_app.services.parameters import read_lines
from ollamactl.lib.errors import InvalidInput

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
SCHEMA = "schema"  # the chat's own, which a program has set
_WORDS = {None: "", True: "true", False: "false"}
_MEANINGS = {word: meaning for meaning, word in _WORDS.items()}


if TYPE_CHECKING:
    Choice = forms.ModelChoiceField[OllamaModel]
else:
    Choice = forms.ModelChoiceField  # only the stubs make it generic


class ModelChoice(Choice):
    """A model, and on which server it is."""

    def label_from_instance(self, obj: OllamaModel) -> str:
        """The name and the server."""
        return f"{obj.name} · {obj.server.name}"


class PromptForm(forms.Form):
    """What to ask."""

    content = forms.CharField(label=_("Message"), max_length=LONGEST_PROMPT, strip=False)


class BeginForm(PromptForm):
    """A first prompt, and whom to ask."""

    model = ModelChoice(label=_("Model"), queryset=OllamaModel.objects.none(), empty_label=None)

    def __init__(self, user: User | AnonymousUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = chat_models(user)  # type: ignore[attr-defined]


class ChatForm(forms.Form):
    """What a chat is told beside the prompts."""

    title = forms.CharField(
        label=_("Title"), max_length=LONGEST_TITLE, widget=forms.TextInput(attrs=PLAIN)
    )
    model = ModelChoice(label=_("Model"), queryset=OllamaModel.objects.none(), required=False)
    system = forms.CharField(
        label=_("System prompt"),
        required=False,
        max_length=LONGEST_SYSTEM,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    options = forms.CharField(
        label=_("Modelfile parameters"),
        required=False,
        max_length=10_000,
        help_text=_("One a line, for example “temperature 0.7” or “num_ctx 8192”."),
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4}),
    )
    think = forms.ChoiceField(
        label=_("Thinking"),
        required=False,
        choices=[
            ("", _("as the model does")),
            ("true", _("on")),
            ("false", _("off")),
            *ThinkLevel.choices,
        ],
        help_text=_("Few models know levels of thinking. Others think as with “on”, or refuse."),
    )
    format = forms.ChoiceField(
        label=_("Format of answers"),
        required=False,
        choices=[("", _("as the model writes")), *AnswerFormat.choices],
        help_text=_("For JSON, ask for it in the prompt too, and say which fields."),
    )
    verbose = forms.ChoiceField(
        label=_("Figures after an answer"),
        required=False,
        choices=[("", _("the main ones")), ("true", _("all")), ("false", _("none"))],
    )

    def __init__(
        self,
        user: User | AnonymousUser,
        session: ChatSession,
        data: QueryDict | None = None,
    ) -> None:
        super().__init__(
            data,
            initial={
                "title": str(session),
                "model": session.model_id,
                "system": session.system,
                "options": "\n".join(lines_of(session.options)),
                "think": session.think_level or _WORDS[session.think],
                "format": SCHEMA if session.format_schema else session.format or "",
                "verbose": _WORDS[session.verbose],
            },
        )
        self._schema: dict[str, Any] | None = session.format_schema
        formats: Any = self.fields["format"]
        if self._schema:
            formats.choices = [*formats.choices, (SCHEMA, session.format_label)]
        field: Any = self.fields["model"]
        field.queryset = chat_models(user)
        offered = models_to_offer(user, chosen=session.model_id)
        nothing = [] if session.model_id else [("", "–")]
        field.choices = nothing + [(row.pk, field.label_from_instance(row)) for row in offered]

    def clean_options(self) -> dict[str, Any]:
        """The parameters by name, in their types."""
        try:
            return read_lines(self.cleaned_data["options"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error

    def clean_think(self) -> Think:
        """True, False, a level, or None for what the model does by itself."""
        word = self.cleaned_data["think"]
        return word if word in ThinkLevel.values else _MEANINGS[word]

    def clean_format(self) -> Format:
        """One of the formats, the schema that the chat has, or None for none."""
        word = self.cleaned_data["format"]
        return self._schema if word == SCHEMA else word or None

    def clean_verbose(self) -> bool | None:
        """True for all figures, False for none, None for the page's own choice."""
        return _MEANINGS[self.cleaned_data["verbose"]]

    def changes(self) -> dict[str, Any]:
        """What to change of the chat; a model only where one was chosen."""
        changes = dict(self.cleaned_data)
        if changes["model"] is None:
            del changes["model"]
        return changes


def lines_of(options: dict[str, Any]) -> list[str]:
    """Parameters as lines of a Modelfile."""
    lines = []
    for name, value in sorted(options.items()):
        for one in value if isinstance(value, list) else [value]:
            text = str(one).lower() if isinstance(one, bool) else str(one)
            lines.append(f"{name} {text}")
    return lines
