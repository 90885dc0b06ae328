"""Reads of servers and models, by their business names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Now

from models_app.choices import ModelStatus, ServerStatus
from models_app.search.names import look_up
from ollamactl.lib.kept_queries import RowsById

if TYPE_CHECKING:
    from models_app.models import OllamaModel, OllamaServer, PanelSettings  # noqa: F401 - the base classes' names

SEEN = (ServerStatus.ONLINE, ServerStatus.DEGRADED)
GONE = (ServerStatus.OFFLINE, ServerStatus.UNAUTHORIZED)
AT_REST = (ModelStatus.STOPPED, ModelStatus.RUNNING)
BUSY = tuple(one for one in ModelStatus if one not in (*AT_REST, ModelStatus.UNAVAILABLE))

# A row of a list of models shows nothing of these.
UNLISTED = ("key", "kv_cache", "parameter_lines", "seq")
UNLISTED_OF_SERVERS = (
    *("auth_kind", "credentials", "ca_pem", "open_webui_url", "on_conflict", "max_downloads"),
    *("keep_free_disk", "keep_free_memory", "reason", "message", "latency_ms", "failures"),
    *("last_seen_at", "checked_at", "next_check_at", "tags_seen_at", "tags_hash", "synced_at"),
    *("created_at", "seq"),
)
UNLISTED_OF_TASKS = (
    *("payload", "payload_version", "queue", "rank", "limit_key", "lost_count", "epoch", "owner"),
    *("lease_until", "run_after", "enqueued_at", "interrupted_at", "resumed_at"),
    *("origin", "seq", "cancel_requested", "pause_requested", "halted"),
)


def _gone_servers() -> models.QuerySet[Any]:
    # A query of its own instead of a join, which would be made for each row that is only counted.
    servers = apps.get_model("models_app", "OllamaServer").objects
    return servers.filter(status__in=GONE).order_by().values("pk")


def is_unavailable() -> Q:
    """Of a model: its server is gone, and nothing is being done with it."""
    # Not "at rest", by which a database would look at nearly all rows: those of a server are few.
    return Q(server__in=_gone_servers()) & ~Q(status__in=BUSY)


class OllamaServerQuerySet(models.QuerySet["OllamaServer"]):
    """Selections of servers."""

    def visible_to(self, user: User | AnonymousUser) -> OllamaServerQuerySet:
        """The servers that this user may know of."""
        return self if user.has_perm("models_app.view_ollamaserver") else self.none()

    def with_host(self) -> OllamaServerQuerySet:
        """Adds the reports of their hosts, and the `database_now` that tells how old they are."""
        return self.select_related("host_report").annotate(database_now=Now())

    def reachable_first(self) -> OllamaServerQuerySet:
        """Servers that answer before those that do not, then by name."""
        gone = Case(When(status__in=GONE, then=Value(1)), default=Value(0))
        return self.order_by(gone, "name", "pk")


class OllamaModelQuerySet(models.QuerySet["OllamaModel"]):
    """Selections of models."""

    listed: RowsById[OllamaModel] | None = None
    """What reads the rows of a page (`RowPaginator`), where these are for a list."""

    def _clone(self) -> OllamaModelQuerySet:
        rows: OllamaModelQuerySet = super()._clone()  # type: ignore[misc]  # no private names there
        rows.listed = self.listed
        return rows

    def visible_to(self, user: User | AnonymousUser) -> OllamaModelQuerySet:
        """The models that this user may know of."""
        return self if user.has_perm("models_app.view_ollamamodel") else self.none()

    def with_live_status(self) -> OllamaModelQuerySet:
        """Adds `live_status`: the written status, or `unavailable` where the server is gone.

        Work in progress keeps its own status: its task says what becomes of it.
        """
        return self.annotate(
            live_status=Case(
                When(is_unavailable(), then=Value(ModelStatus.UNAVAILABLE.value)),
                default=F("status"),
                output_field=models.CharField(max_length=16),
            )
        )

    def with_status_in(self, statuses: Collection[str]) -> OllamaModelQuerySet:
        """The models with any of these live statuses, found by the columns it is derived from."""
        at_rest = [one for one in statuses if one in AT_REST]
        others = [one for one in statuses if one in BUSY]
        ways = []
        if at_rest:
            ways.append(Q(status__in=at_rest) & ~Q(server__in=_gone_servers()))
        if others:
            ways.append(Q(status__in=others))
        if ModelStatus.UNAVAILABLE in statuses:
            ways.append(is_unavailable())
        return self.filter(reduce(or_, ways)) if ways else self.none()

    def in_parts(self) -> Iterator[OllamaModelQuerySet]:
        """These rows in their order, as selections that are read one after the other.

        Ordered by the live status, which no index has, a database would sort all rows; each status
        by itself is found by the columns it is derived from.
        """
        first, *others = self.query.order_by or (None,)
        if not isinstance(first, OrderBy) or first.expression != F("live_status"):
            yield self
            return
        # Each part is reversed where these rows are.
        upwards = first.descending != self.query.standard_ordering
        for status in sorted(ModelStatus.values, reverse=not upwards):
            yield self.with_status_in([status]).order_by(*others)

    def named_like(self, text: str) -> OllamaModelQuerySet:
        """The models whose name has what is typed, then those that are typing errors away from it.

        Words with spaces between may be anywhere in the name.
        """
        found = look_up(text, self.db)
        if found is None:
            wanted = [Q(name__icontains=part) for part in text.split()]
            return self.filter(*wanted)
        rows = self.filter(name__in=[*found.containing, *found.near])
        if not (found.containing and found.near):
            return rows
        return rows.order_by(
            Case(When(name__in=found.containing, then=Value(0)), default=Value(1)), "name", "pk"
        )

    def for_display(self) -> OllamaModelQuerySet:
        """Everything that a row shows, in one query."""
        return self.with_live_status().select_related("server", "last_task")

    def for_list(self) -> OllamaModelQuerySet:
        """These rows, of which a page (`RowPaginator`) reads what a row of a list shows."""
        rows = self.all()
        rows.listed = LISTED
        return rows

    def locked(self) -> OllamaModelQuerySet:
        """The rows alone are locked for the transaction, and come with their server and task."""
        return self.select_for_update(of=("self",)).select_related("server", "last_task")


def _listed(*ids: int) -> models.QuerySet[OllamaModel]:
    """What a row of a list shows; what none shows of its server and task is not read.

    The live status of each row follows from its server (`events.live_status`): in the query it is a
    third of what the page's rows cost.
    """
    unshown = [*UNLISTED, *(f"server__{name}" for name in UNLISTED_OF_SERVERS)]
    unshown += [f"last_task__{name}" for name in UNLISTED_OF_TASKS]
    rows = apps.get_model("models_app", "OllamaModel").objects.filter(pk__in=ids)
    return rows.select_related("server", "last_task").defer(*unshown)


LISTED = RowsById(_listed)


class PanelSettingsQuerySet(models.QuerySet["PanelSettings"]):
    """The one row of settings."""

    def current(self) -> PanelSettings:
        """The settings that hold now; the shipped ones until somebody has changed any."""
        return self.filter(pk=1).first() or self.model(pk=1)
