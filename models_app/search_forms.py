"""What a search is kept as."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.search_records import LONGEST_QUERY
from models_app.services.searches import check_query
from ollamactl.lib.errors import InvalidInput


class SearchForm(forms.Form):
    """A saved search; the query comes from the list."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autofocus": True})
    )
    query = forms.CharField(
        required=False, max_length=LONGEST_QUERY, widget=forms.HiddenInput(), strip=True
    )
    is_default = forms.BooleanField(label=_("Open the list of models with it"), required=False)

    def clean_query(self) -> str:
        """The query in its one form."""
        try:
            return check_query(self.cleaned_data["query"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error
