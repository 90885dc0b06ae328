"""Where a program runs and what it is: the situations that connection information is for."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Place(TextChoices):
    """Where a program runs, as the panel sees it."""

    THIS_MACHINE = "this_machine", _("This machine")
    LOCAL_NETWORK = "local_network", _("The local network")
    CONTAINER = "container", _("Another container")


class Program(TextChoices):
    """What connects. Names of programs are the same in all languages."""

    CURL = "curl", "curl"
    OPENAI = "openai", _("OpenAI client")
    LANGCHAIN = "langchain", "LangChain"
    OPEN_WEBUI = "open_webui", "Open WebUI"
    VSCODE = "vscode", "VS Code"


SITUATIONS = (*Place.values, *Program.values)
LABELS = dict([*Place.choices, *Program.choices])
HINTS = {
    Place.THIS_MACHINE: _("Programs on the machine on which the panel runs."),
    Place.LOCAL_NETWORK: _("Programs on other machines of your network."),
    Place.CONTAINER: _("Programs in Docker or Podman on the panel's machine."),
}
# Where a program usually runs; Open WebUI is mostly installed as a container.
USUAL_PLACES = {Program.OPEN_WEBUI: Place.CONTAINER}


def place_of(situation: str, chosen: Place | None) -> Place:
    """The place that a situation stands for: itself, else the chosen one, else the usual one."""
    if situation in Place.values:
        return Place(situation)
    return chosen or USUAL_PLACES.get(Program(situation), Place.THIS_MACHINE)
