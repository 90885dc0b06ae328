"""The forms of models and servers. What they let through is checked again by the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from models_app.choices import AuthKind, OnConflict
from models_app.models import OllamaServer
from models_app.querysets import OllamaServerQuerySet
from models_app.services.lifecycle import parse_name
from models_app.services.servers import (
    CREDENTIALS,
    LIMITS,
    MOST_DOWNLOADS,
    check_base_url,
    check_open_webui_url,
)
from ollamactl.lib.errors import ApplicationError, InvalidInput
from ollamactl.lib.filters import SizeField
from ollamactl.lib.formats import exact_size

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    ServerField = forms.ModelChoiceField[OllamaServer]
    ServersField = forms.ModelMultipleChoiceField[OllamaServer]
else:  # only the stubs make them generic
    ServerField = forms.ModelChoiceField
    ServersField = forms.ModelMultipleChoiceField


class ServerChoice(ServerField):
    """A server by its name; one that is gone from the panel is said to be."""

    default_error_messages = {
        "invalid_choice": _("This server is gone from the panel. Choose another one."),
    }


class ServerChoices(ServersField):
    """Several of them, each with a box."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages = {
        "invalid_choice": ServerChoice.default_error_messages["invalid_choice"],
        "invalid_pk_value": ServerChoice.default_error_messages["invalid_choice"],
    }


class PullForm(forms.Form):
    """A model to pull: its name and the server that shall have it, or several of them."""

    name = forms.CharField(
        label=_("Name"),
        max_length=600,
        help_text=_(
            "As in Ollama's library, for example llama3.2 or qwen3:8b; from Hugging Face as "
            "hf.co/user/repository:quantization."
        ),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "autofocus": True,
                "list": "known-names",
            }
        ),
    )
    server = ServerChoice(queryset=OllamaServer.objects.none(), label=_("Server"), empty_label=None)
    others = ServerChoices(
        queryset=OllamaServer.objects.none(), label=_("Also on these servers"), required=False
    )
    override = forms.BooleanField(required=False, label=_("Continue against the resource check"))

    def __init__(self, *args: Any, servers: OllamaServerQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("server", "others"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - narrows the type
            field.queryset = servers

    def servers(self) -> list[OllamaServer]:
        """All that are chosen, each once."""
        chosen = [self.cleaned_data["server"], *self.cleaned_data["others"]]
        return list({server.pk: server for server in chosen}.values())

    def clean_name(self) -> str:
        """The name in the form in which Ollama shows it."""
        try:
            return parse_name(self.cleaned_data["name"]).display
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error


class ServerForm(forms.Form):
    """A server: where it is and how the panel proves itself to it. Secrets are never sent back."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autofocus": True})
    )
    base_url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("For example http://192.168.1.20:11434"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    auth_kind = forms.ChoiceField(
        label=_("Authentication"),
        choices=AuthKind.choices,
        help_text=_("Ollama itself asks for none; a proxy in front of it may."),
    )
    token = forms.CharField(label=_("Token"), required=False, max_length=4000)
    username = forms.CharField(label=_("User name"), required=False, max_length=500)
    password = forms.CharField(label=_("Password"), required=False, max_length=4000)
    header_name = forms.CharField(label=_("Header"), required=False, max_length=200)
    header_value = forms.CharField(label=_("Value of the header"), required=False, max_length=4000)
    ca_pem = forms.CharField(
        label=_("Own certificate authority (PEM)"),
        required=False,
        max_length=100_000,
        help_text=_("Only where the server's certificate comes from an authority of your own."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    max_downloads = forms.IntegerField(
        label=_("Downloads at once"),
        required=False,
        min_value=1,
        max_value=MOST_DOWNLOADS,
        help_text=_("Empty: the panel's default."),
    )
    keep_free_disk = SizeField(
        label=_("Keep free on the disk"),
        required=False,
        help_text=_("For example 5 GB. Empty: the panel's default."),
    )
    keep_free_memory = SizeField(
        label=_("Keep free in memory"),
        required=False,
        help_text=_("For example 2 GB. Empty: the panel's default."),
    )

    on_conflict = forms.ChoiceField(
        label=_("Where the panel and the server differ"),
        choices=OnConflict.choices,
        initial=OnConflict.SERVER,
        required=False,
        help_text=_("What syncs do with models that were changed or deleted outside the panel."),
    )
    open_webui_url = forms.CharField(
        label=_("Address of Open WebUI"),
        required=False,
        max_length=500,
        help_text=_(
            "For example http://192.168.1.20:3000. Empty: the panel looks for it at the usual "
            "ports."
        ),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )

    # Which of our fields carry which credential.
    CREDENTIAL_FIELDS = {
        AuthKind.BEARER: {"token": "token"},
        AuthKind.BASIC: {"username": "username", "password": "password"},
        AuthKind.HEADER: {"name": "header_name", "value": "header_value"},
    }
    SECRET_FIELDS = ("token", "password", "header_value")

    def __init__(self, *args: Any, server: OllamaServer | None = None, **kwargs: Any) -> None:
        if server is not None:
            kwargs["initial"] = {**initial_of(server), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.server = server
        keeps = server is not None and server.auth_kind != AuthKind.NONE
        for name in self.SECRET_FIELDS:
            # Set anew, so that the attributes are in place before the field is drawn.
            self.fields[name].widget = forms.PasswordInput(
                attrs={
                    "autocomplete": "new-password",
                    "placeholder": str(_("unchanged")) if keeps else "",
                }
            )

    def clean_base_url(self) -> str:
        """The address in its one form."""
        try:
            return check_base_url(self.cleaned_data["base_url"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error

    def clean_open_webui_url(self) -> str:
        """The address of Open WebUI in its one form, or none."""
        try:
            return check_open_webui_url(self.cleaned_data["open_webui_url"])
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error

    def clean(self) -> dict[str, Any]:
        """Asks for what the kind of authentication needs; a secret left empty stays as it is."""
        data = super().clean() or {}
        kind = data.get("auth_kind", AuthKind.NONE)
        kept = self._kept(kind)
        for key, field in self.CREDENTIAL_FIELDS.get(kind, {}).items():
            if not data.get(field) and not kept.get(key):
                self.add_error(field, self._needed())
        return data

    def service_fields(self) -> dict[str, Any]:
        """The fields as the services take them."""
        data = self.cleaned_data
        kind = data["auth_kind"]
        kept = self._kept(kind)
        given = self.CREDENTIAL_FIELDS.get(kind, {})
        return {
            "name": data["name"],
            "base_url": data["base_url"],
            "auth_kind": kind,
            "ca_pem": data["ca_pem"],
            **{name: data[name] for name in LIMITS},
            "open_webui_url": data["open_webui_url"],
            "on_conflict": data["on_conflict"] or OnConflict.SERVER,
            "credentials": {key: data[field] or kept[key] for key, field in given.items()},
        }

    def show(self, error: ApplicationError) -> None:
        """Say a service's error at the field that it is about."""
        self.add_error(error.attr if error.attr in self.fields else None, str(error.detail))

    def _needed(self) -> StrPromise:
        if self.server is not None and "base_url" in self.changed_data:
            return _("Enter this again: the address is another one.")
        return _("This is needed for this kind of authentication.")

    def _kept(self, kind: str) -> dict[str, str]:
        # Secrets never follow to another address: who may change it could collect them there.
        server = self.server
        moved = server is not None and self.cleaned_data.get("base_url") != server.base_url
        if server is None or moved or server.auth_kind != kind:
            return {}
        stored = server.credentials or {}
        return {key: str(stored[key]) for key in CREDENTIALS[AuthKind(kind)] if key in stored}


def initial_of(server: OllamaServer) -> dict[str, Any]:
    """What the form shows of a server: everything but the secrets."""
    names = ("name", "base_url", "auth_kind", "ca_pem", "open_webui_url", "on_conflict")
    shown = {name: getattr(server, name) for name in names}
    credentials = server.credentials or {}
    return {
        **shown,
        "max_downloads": server.max_downloads,
        "keep_free_disk": _written(server.keep_free_disk),
        "keep_free_memory": _written(server.keep_free_memory),
        "username": credentials.get("username", ""),
        "header_name": credentials.get("name", "") if server.auth_kind == AuthKind.HEADER else "",
    }


def _written(size: int | None) -> str:
    return "" if size is None else exact_size(size)
