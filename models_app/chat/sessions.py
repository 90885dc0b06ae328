"""Making, changing and deleting chats. A chat is its owner's alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.chat.answers import MODEL_GONE, touch
from models_app.chat.choices import UNDER_WAY, AnswerFormat, Format, Think, ThinkLevel
from models_app.chat.events import CHAT, announce_chat, announce_chat_removed
from models_app.chat.limits import LONGEST_SYSTEM, LONGEST_TITLE
from models_app.chat.querysets import ChatQuerySet
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.schemas import checked_schema
from models_app.models import OllamaModel
from models_app.ollama.names import ModelName
from models_app.search.said import MOST_WORDS, with_words
from models_app.services.beginnings import require_installed
from models_app.services.parameters import read_parameters
from ollamactl.lib.errors import Conflict, InvalidInput, NotFound
from ollamactl.lib.sentences import Sentence
from tasks_app.sequence import next_seq
from tasks_app.words import ask_to_cancel

GONE = Sentence(gettext_noop("This chat is gone. Begin a new one."))
OFFERED = 100
# What kinds of models only make vectors; the others are found out when they are asked.
EMBEDDING_FAMILIES = ("bert", "nomic-bert", "nomic-bert-moe", "xlm-roberta", "jina-bert-v2")


def chats_of(user: User | AnonymousUser) -> ChatQuerySet:
    """The chats that this user may see: their own."""
    if not user.has_perm(CHAT):
        return ChatSession.objects.none()
    return ChatSession.objects.filter(owner_id=user.pk).select_related("model__server")


def search_chats(chats: ChatQuerySet, text: str) -> ChatQuerySet:
    """Those that have all words of this text in their title, or in one message."""
    words = text.split()[:MOST_WORDS]
    if not words:
        return chats
    titled = Q(*(Q(title__icontains=word) for word in words))
    messages = ChatMessage.objects.filter(is_current=True)
    said, come_upon = with_words(chats, messages, words)
    return chats.filter(titled | said).coming_upon(come_upon)


def can_chat(model: OllamaModel) -> bool:
    """Whether a model that its server has is worth talking to, as far as its row tells."""
    embeds = model.family in EMBEDDING_FAMILIES or "embed" in model.name.lower()
    return model.is_installed and not embeds


def chat_models(user: User | AnonymousUser) -> QuerySet[OllamaModel]:
    """The models to choose from, by name."""
    rows = OllamaModel.objects.visible_to(user).exclude(digest="")
    embeds = Q(family__in=EMBEDDING_FAMILIES) | Q(name__icontains="embed")
    return rows.exclude(embeds).select_related("server").order_by("name", "pk")


def models_to_offer(user: User | AnonymousUser, *, chosen: int | None = None) -> list[OllamaModel]:
    """What a page offers: the models used last, by name, and the one that is chosen.

    A fleet has thousands; each has a button of its own that leads to a chat.
    """
    rows = chat_models(user)
    offered = list(rows.order_by(F("last_used_at").desc(nulls_last=True), "name", "pk")[:OFFERED])
    if chosen is not None and all(model.pk != chosen for model in offered):
        offered += rows.filter(pk=chosen)
    return sorted(offered, key=lambda model: (model.name, model.pk))


def create_chat(
    *,
    actor: Actor,
    model: OllamaModel,
    title: str = "",
    system: str = "",
    options: Mapping[str, Any] | None = None,
    think: Think = None,
    format: Format = None,
    verbose: bool | None = None,
) -> ChatSession:
    """Begin a chat; nothing is asked of the model yet. Raises `InvalidInput`, `Conflict`."""
    actor.require(CHAT)
    if actor.user is None:
        raise TypeError("a chat belongs to a user")
    require_installed(model)
    with transaction.atomic():
        session = ChatSession.objects.create(
            owner=actor.user,
            model=model,
            model_name=model.name,
            server_name=model.server.name,
            title=checked_title(title) if title else "",
            system=_checked_system(system),
            options=read_parameters(options or {}),
            **_checked_think(think),
            **_checked_format(format),
            verbose=verbose,
            seq=next_seq(0),
        )
        _record(actor, "chat.create", session)
        announce_chat(session)
    return session


def change_chat(*, actor: Actor, session: ChatSession, **changes: Any) -> ChatSession:
    """Change title, model, system, options (all of them), think, format or verbose of a chat.

    Raises `InvalidInput`, `NotFound`. An answer under way goes on as it began.
    """
    actor.require(CHAT)
    with transaction.atomic():
        row = locked_chat(session)
        values = _checked(changes)
        for name, value in values.items():
            setattr(row, name, value)
        touch(row, *values)
    return row


def forget_context(*, actor: Actor, session: ChatSession) -> ChatSession:
    """Let what was said so far be told to the model no more; it stays to be read."""
    actor.require(CHAT)
    with transaction.atomic():
        row = locked_chat(session)
        last = last_position(row)
        row.context_from = last + 1 if last else 0
        touch(row, "context_from")
    return row


def load_model(*, actor: Actor, session: ChatSession, model: OllamaModel) -> ChatSession:
    """Go on with this model, which is told nothing of what was said before."""
    with transaction.atomic():
        changed = change_chat(actor=actor, session=session, model=model)
        return forget_context(actor=actor, session=changed)


def delete_chat(*, actor: Actor, session: ChatSession) -> None:
    """Delete a chat with all that was said; an answer under way is stopped. Counts of use stay."""
    actor.require(CHAT)
    with transaction.atomic():
        row = locked_chat(session)
        for task_id in ChatMessage.objects.filter(
            session=row, state__in=UNDER_WAY, task__isnull=False
        ).values_list("task_id", flat=True):
            ask_to_cancel(task_id)
        _record(actor, "chat.delete", row)
        announce_chat_removed(row)
        row.delete()


def locked_chat(session: ChatSession) -> ChatSession:
    """The row as it is now, locked for the transaction."""
    rows = ChatSession.objects.select_for_update(of=("self",)).select_related("model__server")
    row = rows.filter(pk=session.pk).first()
    if row is None:
        raise NotFound(GONE)
    return row


def model_to_ask(session: ChatSession) -> OllamaModel:
    """The model of a chat; `Conflict` where it is gone or not on its server."""
    if session.model is None:
        raise Conflict(MODEL_GONE, code="model_gone")
    require_installed(session.model)
    return session.model


def last_position(session: ChatSession) -> int:
    """Where the newest message is; 0 in an empty chat."""
    rows = ChatMessage.objects.filter(session=session, is_current=True).order_by("-position")
    return rows.values_list("position", flat=True).first() or 0


def find_model(session: ChatSession, name: str) -> OllamaModel:
    """The model of this name on the chat's server; `InvalidInput` where there is none."""
    key = ModelName.parse(name).key
    server_id = session.model.server_id if session.model else None
    rows = OllamaModel.objects.filter(key=key).exclude(digest="").select_related("server")
    row = rows.filter(server_id=server_id).first() if server_id else rows.order_by("pk").first()
    if row is None:
        text = gettext_noop("The server has no model “{name}”. Pull it first.")
        raise InvalidInput(Sentence(text, name=name[:100]), code="model_missing", attr="model")
    return row


def checked_title(title: str) -> str:
    """A title on one line; `InvalidInput` where there is none."""
    text = " ".join(title.split())
    if not text:
        raise InvalidInput(_("A chat needs a title."), code="blank", attr="title")
    return text[:LONGEST_TITLE]


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in changes.items():
        match name:
            case "title":
                values["title"] = checked_title(value)
            case "system":
                values["system"] = _checked_system(value)
            case "options":
                values["options"] = read_parameters(value)
            case "think":
                values |= _checked_think(value)
            case "verbose":
                values["verbose"] = value
            case "format":
                values |= _checked_format(value)
            case "model":
                require_installed(value)
                values |= {
                    "model": value,
                    "model_name": value.name,
                    "server_name": value.server.name,
                }
            case _:
                raise TypeError(f"a chat has no {name}")
    return values


def _checked_system(system: str) -> str:
    if len(system) > LONGEST_SYSTEM:
        text = gettext_noop("A system prompt may have {most} characters at most.")
        raise InvalidInput(Sentence(text, most=LONGEST_SYSTEM), code="too_long", attr="system")
    return system.strip()


def _checked_think(think: Think) -> dict[str, Any]:
    """The fields for what Ollama calls `think`."""
    if not isinstance(think, str):
        return {"think": think, "think_level": None}
    if think not in ThinkLevel.values:
        text = gettext_noop("Thinking is on, off, or at one of these levels: {names}.")
        names = ", ".join(ThinkLevel.values)
        raise InvalidInput(Sentence(text, names=names), code="invalid_choice", attr="think")
    return {"think": True, "think_level": think}


def _checked_format(format: Format) -> dict[str, Any]:
    """The fields for what Ollama calls `format`."""
    if isinstance(format, dict):
        return {"format": AnswerFormat.JSON.value, "format_schema": checked_schema(format)}
    if format is not None and format not in AnswerFormat.values:
        text = gettext_noop("Answers come as the model writes them, or in one of: {names}.")
        names = ", ".join(AnswerFormat.values)
        raise InvalidInput(Sentence(text, names=names), code="invalid_choice", attr="format")
    return {"format": format, "format_schema": None}


def _record(actor: Actor, verb: str, session: ChatSession) -> None:
    """Neither the title nor what is said: a chat is its owner's matter."""
    record_action(
        actor=actor,
        verb=verb,
        resource_type="chat",
        resource_id=session.pk,
        resource_name=session.model_name,
    )
