"""What a server has room for, by the rules of the check before a download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models_app.catalogue import CatalogueTag, catalogue
from models_app.choices import ModelStatus
from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.resources.caches import Caches, keys_of, known_caches
from models_app.resources.host import Host, HostLook
from models_app.resources.needs import Need, need_of_tag
from models_app.resources.origin import origin_of
from models_app.resources.reserved import Reserved
from models_app.resources.room import free_on_cards, memory_state
from models_app.resources.space import leaves_room
from models_app.resources.verdict import UNKNOWN, WARN

DISK, MEMORY = "disk", "memory"
UNSEEN = Host()
NONE_KNOWN = Caches()
WHOLE = (ModelStatus.STOPPED, ModelStatus.RUNNING)


@dataclass(frozen=True)
class Room:
    """What a server's machine has, as far as it is known, and the bytes that are spoken for:
    `disk_kept` and `memory_kept` stay free, `reserved` is what other downloads have still to
    write. `installed`: keys of the catalogue's models that the server has, whole; `own`:
    their key-value caches, as far as they are known; `caches`: those of models on any server."""

    host: Host = UNSEEN
    reserved: int = 0
    disk_kept: int = 0
    memory_kept: int = 0
    installed: frozenset[str] = frozenset()
    own: Caches = NONE_KNOWN
    caches: Caches = NONE_KNOWN

    @property
    def origin(self) -> dict[str, Any]:
        """Who has seen what the machine has."""
        return origin_of(self.host)

    @property
    def gpu(self) -> int | None:
        """Free bytes of the GPUs; None where there are none, or nobody knows."""
        is_known = any(gpu.free is not None for gpu in self.host.gpus or [])
        return free_on_cards(self.host) if is_known else None

    def has(self, tag: CatalogueTag) -> bool:
        """Whether the server has it already: nothing is left to write."""
        return not self.installed.isdisjoint(keys_of(tag))

    def lacks(self, tag: CatalogueTag) -> str:
        """What the check would find too small for a download, by a word; empty for nothing."""
        free, need = self.host.disk_free, self._need(tag)
        if free is not None and not self.has(tag):
            download = need.download or 0
            if not leaves_room(free, download, reserved=self.reserved, kept=self.disk_kept):
                return DISK
        return MEMORY if self._memory_state(need.memory) == WARN else ""

    def fits(self, tag: CatalogueTag) -> bool | None:
        """Whether a download fits; None where nobody can tell."""
        if self.lacks(tag):
            return False
        is_known = self._memory_state(self._need(tag).memory) != UNKNOWN
        is_known = is_known and (self.host.disk_free is not None or self.has(tag))
        return True if is_known else None

    def _need(self, tag: CatalogueTag) -> Need:
        return need_of_tag(tag, own=self.own.of_any(keys_of(tag)), caches=self.caches)

    def _memory_state(self, needed: int | None) -> str:
        return memory_state(self.host, needed, kept=self.memory_kept)


def room_of(server: OllamaServer) -> Room:
    """What there is now, without asking the server; in a few queries and 1.5 s at most."""
    panel = PanelSettings.objects.current()
    look, others = HostLook(server), Reserved(server)
    keys = [key for tag in catalogue().tags for key in keys_of(tag)]
    rows = OllamaModel.objects.filter(server=server, key__in=keys, status__in=WHOLE)
    installed = dict(rows.order_by().values_list("key", "kv_cache"))
    caches = known_caches(keys)
    host = look.result()
    return Room(
        host=host,
        reserved=others.beside(host).bytes,
        disk_kept=panel.disk_kept(server),
        memory_kept=panel.memory_kept(server),
        installed=frozenset(installed),
        own=Caches.read(installed.items()),
        caches=caches,
    )
