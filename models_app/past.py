"""What was measured of models that a sync has forgotten: it waits for a model of that name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from models_app.models import OllamaModel


class Outlasting(models.Model):
    """A record about a model that stays when a sync forgets the model.

    `model` is null then, and the other two say which one it was. A deletion by a person takes the
    record along.
    """

    past_server = models.ForeignKey(
        "models_app.OllamaServer",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("server of the model that is gone"),
    )
    past_key = models.CharField(
        _("full name of the model that is gone"), max_length=700, blank=True, default=""
    )

    class Meta:
        abstract = True


def let_outlast(model: OllamaModel) -> None:
    """Take the records off a row that is about to be forgotten."""
    for kind in _kinds():
        kind._default_manager.filter(model_id=model.pk).update(
            model=None, past_server=model.server_id, past_key=model.key
        )


def waiting_for_names(server_ids: Collection[int]) -> set[int]:
    """Those of these servers from which models are gone of which there are records."""
    found: set[int] = set()
    for kind in _kinds():
        waiting = kind._default_manager.filter(past_server_id__in=server_ids)
        found.update(waiting.order_by().values_list("past_server_id", flat=True).distinct())
    return found


def take_back(rows: Iterable[OllamaModel]) -> None:
    """Give new rows of one server the records of those that had their names."""
    by_key = {row.key: row for row in rows}
    if not by_key:
        return
    server_id = next(iter(by_key.values())).server_id
    for kind in _kinds():
        waiting = kind._default_manager.filter(past_server_id=server_id, past_key__in=list(by_key))
        for key in set(waiting.values_list("past_key", flat=True)):
            waiting.filter(past_key=key).update(model=by_key[key].pk, past_server=None, past_key="")


def _kinds() -> list[type[models.Model]]:
    from models_app.models import Benchmark, ModelUse

    return [Benchmark, ModelUse]
