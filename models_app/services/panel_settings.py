"""The settings that people change while the panel runs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.choices import RetryOn
from models_app.events import announce_downloads
from models_app.models import PanelSettings
from models_app.pulls import PULL_QUEUE
from ollamactl.lib.errors import InvalidInput
from tasks_app.wakeups import wake_on_commit

VIEW = "models_app.view_panelsettings"
CHANGE = "models_app.change_panelsettings"
EDITABLE = (
    "downloads_per_server",
    "downloads_overall",
    "keep_free_disk",
    "keep_free_memory",
    "retry_on",
    "retry_attempts",
    "retry_backoff",
    "retry_longest",
)


def update_settings(*, actor: Actor, **fields: Any) -> PanelSettings:
    """Change some of `EDITABLE`; what waits looks at its limits anew.

    Raises `InvalidInput` with `attr`, `NotPermitted`.
    """
    actor.require(CHANGE)
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"no settings: {sorted(unknown)}")
    with transaction.atomic():
        panel = locked_settings()
        changed = {name: value for name, value in fields.items() if getattr(panel, name) != value}
        for name, value in changed.items():
            setattr(panel, name, value)
        _validate(panel)
        if changed:
            panel.save()
            record_action(actor=actor, verb="settings.change", data={"changed": changed})
            announce_downloads(panel)
            wake_on_commit(PULL_QUEUE)
    return panel


def locked_settings() -> PanelSettings:
    """The one row, locked for the transaction; made where there is none yet."""
    PanelSettings.objects.get_or_create(pk=1)
    return PanelSettings.objects.select_for_update().get(pk=1)


def _validate(panel: PanelSettings) -> None:
    chosen = panel.retry_on
    if not isinstance(chosen, list) or not set(map(str, chosen)) <= set(RetryOn.values):
        raise InvalidInput(
            _("Choose among: %(choices)s.") % {"choices": ", ".join(RetryOn.values)},
            attr="retry_on",
        )
    panel.retry_on = [kind for kind in RetryOn.values if kind in panel.retry_on]
    try:
        panel.full_clean()
    except ValidationError as error:
        attr, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(messages[0], attr=None if attr == "__all__" else attr) from error
    if panel.retry_longest < panel.retry_backoff:
        raise InvalidInput(
            _("The longest pause cannot be shorter than the first one."), attr="retry_longest"
        )
