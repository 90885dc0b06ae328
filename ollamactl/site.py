"""The admin site at the root, with the panel's own pages in front of it."""

from __future__ import annotations

from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite


class PanelSite(UnfoldAdminSite):
    """Pages need a login, not `is_staff`; each page checks its own permission."""

    def extra_urls(self) -> list[URLPattern]:
        """The panel's own pages."""
        return []
