"""What a page sends to plan a batch and to begin one; the same rules as in the API."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from models_app.batches.selection import Selection
from models_app.batches.words import MOST, OnError, Operation
from ollamactl.lib.paging import clean_query

LONGEST = 200_000
_IDS = re.compile(r"[0-9]{1,18}(,[0-9]{1,18})*")


class IdsField(forms.CharField):
    """Ids with commas between them, in one field or in several."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return []
        if not _IDS.fullmatch(text):
            raise forms.ValidationError(_("Choose models from the list."), code="invalid")
        return [int(word) for word in text.split(",")]


class OneOrMany(forms.HiddenInput):
    """Reads `ids=1&ids=2` and `ids=1,2` alike."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return ",".join(word for word in data.getlist(name) if word.strip())


class ChosenForm(forms.Form):
    """The operation, and the rows of a list, or all that match its filter, or one name on some
    servers."""

    operation = forms.ChoiceField(choices=Operation.choices)
    ids = IdsField(required=False, max_length=LONGEST, widget=OneOrMany)
    filter = forms.CharField(required=False, max_length=4000)
    name = forms.CharField(required=False, max_length=600)
    servers = IdsField(required=False, max_length=LONGEST, widget=OneOrMany)

    def selection(self) -> Selection:
        """The name, else the rows that are chosen, else all that match the filter."""
        if self.cleaned_data["name"]:
            servers = self.cleaned_data["servers"]
            return Selection(names=[self.cleaned_data["name"]], servers=servers)
        if "filter" not in self.data:
            return Selection(ids=self.cleaned_data["ids"])
        asked = clean_query(QueryDict(self.cleaned_data["filter"]), without=("ordering",))
        return Selection(filter=dict(asked.lists()))


class BeginForm(forms.Form):
    """The plan that was seen, and the word that a dangerous one asks for: how many models."""

    operation = forms.ChoiceField(choices=Operation.choices, widget=forms.HiddenInput)
    ids = IdsField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
    name = forms.CharField(required=False, max_length=600, widget=forms.HiddenInput)
    servers = IdsField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
    on_error = forms.ChoiceField(
        choices=OnError.choices,
        label=gettext_lazy("If one of them fails"),
        initial=OnError.CONTINUE,
    )
    confirm = forms.CharField(required=False, max_length=20)

    def __init__(self, *args: Any, count: int = 0, dangerous: bool, undoable: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.count = count
        if not undoable:
            field = self.fields["on_error"]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the types
            field.choices = [each for each in OnError.choices if each[0] != OnError.ROLLBACK]
        if dangerous:
            self.fields["confirm"].required = True
            self.fields["confirm"].label = _("Type %(count)s, the number of models") % {
                "count": count or MOST
            }
            self.fields["confirm"].widget.attrs |= {"autocomplete": "off", "inputmode": "numeric"}
        else:
            del self.fields["confirm"]

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"]).strip()
        if typed != str(self.count):
            raise forms.ValidationError(
                _("This is not the number of models. Type %(count)s."),
                code="not_confirmed",
                params={"count": self.count},
            )
        return typed
