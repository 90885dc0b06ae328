"""Families of the catalogue by what is typed, what they can do, and what a server has room for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from models_app.catalogue.loading import load
from models_app.catalogue.types import CatalogueFamily, CatalogueTag
from models_app.search.typos import errors_in, words_of

CAPABILITIES = ("completion", "tools", "thinking", "vision", "insert", "embedding")


class Room(Protocol):
    """What a server has room for (`models_app.resources.fitting`)."""

    def lacks(self, tag: CatalogueTag) -> str:
        """What is too small for a download, by a word; empty for nothing."""

    def has(self, tag: CatalogueTag) -> bool:
        """Whether the server has it already."""

    def fits(self, tag: CatalogueTag) -> bool | None:
        """Whether a download fits; None where nobody can tell."""


@dataclass(frozen=True)
class FoundTag:
    """A download, and whether the server that was asked about has room for it."""

    tag: CatalogueTag
    fits: bool | None
    lacks: str
    installed: bool = False


@dataclass(frozen=True)
class FoundFamily:
    """A family with those of its downloads that were asked for."""

    family: CatalogueFamily
    tags: tuple[FoundTag, ...]


def search_catalogue(
    *,
    text: str = "",
    capabilities: Collection[str] = (),
    max_size: int | None = None,
    room: Room | None = None,
    fits: bool | None = None,
) -> list[FoundFamily]:
    """Families that have all the capabilities, and a download no larger than `max_size` bytes.

    Those whose name has the text come first, then those that are typing errors away from it or say
    it elsewhere. `fits`: only what the room is (True) or is not (False) large enough for.
    """
    rated = []
    for family in load().families:
        rank = _rank(family, text)
        if rank is None or not set(capabilities) <= set(family.capabilities):
            continue
        tags = tuple(_tags(family, max_size, room, fits))
        if tags:
            rated.append((rank, family.name, FoundFamily(family, tags)))
    return [found for _rank, _name, found in sorted(rated, key=lambda row: row[:2])]


def _tags(
    family: CatalogueFamily, max_size: int | None, room: Room | None, fits: bool | None
) -> Iterator[FoundTag]:
    for tag in family.tags:
        found = FoundTag(tag, None, "")
        if room:
            found = FoundTag(tag, room.fits(tag), room.lacks(tag), room.has(tag))
        if (max_size is None or tag.size <= max_size) and fits in (None, found.fits):
            yield found


def _rank(family: CatalogueFamily, text: str) -> int | None:
    """0: a name has it; then typing errors; then texts that say it. None: nothing does."""
    words = words_of(text)
    if not words:
        return 0
    names = [family.name, *(tag.name for tag in family.tags)]
    errors = [found for name in names if (found := errors_in(words, name)) is not None]
    if errors:
        return min(errors)
    said = " ".join((family.publisher, *family.capabilities, *family.summaries.values())).lower()
    return 50 if all(word in said for word in words) else None
