"""The rows of a list of models: what many have in common is made once for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from models_app.actions import ACTIONS, possible_actions
from models_app.chat.events import CHAT
from models_app.chat.sessions import can_chat
from models_app.choices import Source
from models_app.events import live_status
from models_app.models import OllamaModel
from ollamactl.lib.stencils import PLACE, Stencil, address_stencil


def model_rows(
    request: HttpRequest, models: Iterable[OllamaModel], *, problem: object = ""
) -> list[dict[str, Any]]:
    """What `model_rows.html` shows of these models, which need their `server` and `last_task`.

    `problem` stands in each of them.
    """
    rows = _Rows(request, problem)
    return [rows.row(model) for model in models]


class _Rows:
    """The rows of one answer.

    Rows that can do the same have the same buttons but for their ids, and those at rest have the
    same to say of their status, so each is rendered once.
    """

    def __init__(self, request: HttpRequest, problem: object) -> None:
        user = request.user
        self._problem = problem
        self._allowed = [
            action
            for action in ACTIONS.values()
            if action.in_list and user.has_perm(action.permission)
        ]
        self._chats = user.has_perm(CHAT)
        self._buttons: dict[tuple[bool, tuple[str, ...]], Stencil] = {}
        self._statuses: dict[str, str] = {}
        self._sources = {source.value: str(source.label) for source in Source}
        self._select = _("Select %(name)s")
        self._address = address_stencil("admin:model")
        self._row_address = address_stencil("admin:model-row")
        self._server_address = address_stencil("admin:server")

    def row(self, model: OllamaModel) -> dict[str, Any]:
        return {
            "model": model,
            "id": str(model.pk),
            "server_id": str(model.server_id),
            "address": self._address.filled(model.pk),
            "row_address": self._row_address.filled(model.pk),
            "server_address": self._server_address.filled(model.server_id),
            "select": self._select % {"name": model.name},
            "source": self._sources.get(model.source, model.source),
            "status": self._status(model),
            "buttons": self._buttons_of(model),
        }

    def _status(self, model: OllamaModel) -> str:
        task = model.last_task
        if model.message or self._problem or (task is not None and task.is_live):
            return self._render_status(model)
        status = live_status(model)
        if status not in self._statuses:
            self._statuses[status] = self._render_status(model)
        return self._statuses[status]

    def _render_status(self, model: OllamaModel) -> str:
        context = {"row": {"model": model}, "problem": self._problem}
        return render_to_string("models_app/model_status.html", context)

    def _buttons_of(self, model: OllamaModel) -> str:
        possible = possible_actions(model)
        actions = [action for action in self._allowed if action.name in possible]
        chats = self._chats and can_chat(model)
        look = (chats, tuple(action.name for action in actions))
        if look not in self._buttons:
            row = {"model": {"pk": PLACE}, "can_chat": chats, "actions": actions}
            text = render_to_string("models_app/model_row_buttons.html", {"row": row})
            self._buttons[look] = Stencil(text)
        return self._buttons[look].filled(model.pk)
