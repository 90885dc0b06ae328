"""What can be asked of the catalogue, by its page and by the API alike."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.catalogue.searching import CAPABILITIES, FoundFamily, Room, search_catalogue
from models_app.forms import ServerChoice
from models_app.models import OllamaServer
from models_app.querysets import OllamaServerQuerySet
from ollamactl.lib.filters import BooleanField, ChoicesField, SizeField

CAPABILITY_NAMES = {
    "completion": _("text"),
    "tools": _("tools"),
    "thinking": _("thinking"),
    "vision": _("pictures"),
    "insert": _("code completion"),
    "embedding": _("embeddings"),
}


class CatalogueForm(forms.Form):
    """Filters of the catalogue; `fits` is about `server`."""

    search = forms.CharField(max_length=200, required=False)
    capability = ChoicesField(choices=[(name, name) for name in CAPABILITIES], required=False)
    max_size = SizeField(required=False)
    server = ServerChoice(queryset=OllamaServer.objects.none(), required=False)
    fits = BooleanField(required=False)

    def __init__(self, *args: Any, servers: OllamaServerQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["server"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - narrows the type
        field.queryset = servers

    def found(self, room: Room | None = None) -> list[FoundFamily]:
        """What fits these filters; the room is that of the server that is asked about."""
        data = self.cleaned_data
        return search_catalogue(
            text=data["search"],
            capabilities=data["capability"],
            max_size=data["max_size"],
            room=room,
            fits=data["fits"],
        )
