"""The well-known models of Ollama's library: dated facts that ship with the panel (README.md)."""

from __future__ import annotations

from models_app.catalogue.loading import Catalogue, load
from models_app.catalogue.types import CatalogueFamily, CatalogueTag

__all__ = ["Catalogue", "CatalogueFamily", "CatalogueTag", "catalogue", "find"]


def catalogue() -> Catalogue:
    """All families, read once a process."""
    return load()


def find(name: str) -> CatalogueTag | None:
    """The tag that this name means, in any of its forms; None where it is not in the catalogue."""
    return load().find(name)
