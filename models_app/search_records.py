"""Searches that a user keeps, and those that were made last. Nobody else sees them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_QUERY = 2000


class SavedSearch(models.Model):
    """A search of one user's under a name of their own.

    `query` is the query string of the list of models, without the page. The default one is what
    the list opens with.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches"
    )
    name = models.CharField(_("name"), max_length=100)
    query = models.CharField(_("query"), max_length=LONGEST_QUERY, blank=True)
    is_default = models.BooleanField(_("opens the list"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        ordering = ["name", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_search_a_name"),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="one_default_search_a_user",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RecentSearch(models.Model):
    """A search that a user has looked at the result of; the newest ones are kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    query = models.CharField(_("query"), max_length=LONGEST_QUERY)
    used_at = models.DateTimeField(_("used"))

    class Meta:
        verbose_name = _("recent search")
        verbose_name_plural = _("recent searches")
        ordering = ["-used_at", "-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "query"], name="one_recent_search_a_query"),
        ]
        indexes = [models.Index(fields=["user", "used_at"], name="recent_search_by_time")]

    def __str__(self) -> str:
        return self.query
