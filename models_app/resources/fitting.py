"""What a server has room for, by the rules of the check before a download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models_app.catalogue import CatalogueTag, catalogue
from models_app.choices import ModelStatus
from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.ollama.names import ModelName
from models_app.resources.host import Host, HostLook
from models_app.resources.needs import need_of_tag
from models_app.resources.origin import origin_of
from models_app.resources.reserved import Reserved
from models_app.resources.room import free_on_cards, memory_state
from models_app.resources.space import leaves_room
from models_app.resources.verdict import UNKNOWN, WARN

DISK, MEMORY = "disk", "memory"
UNSEEN = Host()
WHOLE = (ModelStatus.STOPPED, ModelStatus.RUNNING)


@dataclass(frozen=True)
class Room:
    """What a server's machine has, as far as it is known, and the bytes that are spoken for:
    `disk_kept` and `memory_kept` stay free, `reserved` is what other downloads have still to
    write. `installed`: keys of the catalogue's models that the server has, whole."""

    host: Host = UNSEEN
    reserved: int = 0
    disk_kept: int = 0
    memory_kept: int = 0
    installed: frozenset[str] = frozenset()

    @property
    def origin(self) -> dict[str, Any]:
        """Who has seen what the machine has."""
        return origin_of(self.host)

    @property
    def gpu(self) -> int | None:
        """Free bytes of the GPUs; None where there are none, or nobody knows."""
        return free_on_cards(self.host) if self.host.gpus else None

    def has(self, tag: CatalogueTag) -> bool:
        """Whether the server has it already: nothing is left to write."""
        return not self.installed.isdisjoint(_keys(tag))

    def lacks(self, tag: CatalogueTag) -> str:
        """What the check would find too small for a download, by a word; empty for nothing."""
        free, need = self.host.disk_free, need_of_tag(tag)
        if free is not None and not self.has(tag):
            download = need.download or 0
            if not leaves_room(free, download, reserved=self.reserved, kept=self.disk_kept):
                return DISK
        return MEMORY if self._memory_state(need.memory) == WARN else ""

    def fits(self, tag: CatalogueTag) -> bool | None:
        """Whether a download fits; None where nobody can tell."""
        if self.lacks(tag):
            return False
        is_known = self._memory_state(need_of_tag(tag).memory) != UNKNOWN
        is_known = is_known and (self.host.disk_free is not None or self.has(tag))
        return True if is_known else None

    def _memory_state(self, needed: int | None) -> str:
        return memory_state(self.host, needed, kept=self.memory_kept)


def room_of(server: OllamaServer) -> Room:
    """What there is now, without asking the server; in a few queries and 1.5 s at most."""
    panel = PanelSettings.objects.current()
    look, others = HostLook(server), Reserved(server)
    installed = _installed(server)
    host = look.result()
    return Room(
        host=host,
        reserved=others.beside(host),
        disk_kept=panel.disk_kept(server),
        memory_kept=panel.memory_kept(server),
        installed=installed,
    )


def _installed(server: OllamaServer) -> frozenset[str]:
    keys = [key for tag in catalogue().tags for key in _keys(tag)]
    rows = OllamaModel.objects.filter(server=server, key__in=keys, status__in=WHOLE)
    return frozenset(rows.values_list("key", flat=True))


def _keys(tag: CatalogueTag) -> list[str]:
    return [ModelName.parse(f"{tag.family}:{word}").key for word in (tag.tag, *tag.aliases)]
