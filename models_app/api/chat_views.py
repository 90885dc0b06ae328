"""Chats: a user's own conversations with models."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from audit_app.api.base import PanelViewSet
from models_app.api.chat_serializers import (
    AskedSerializer,
    ChatChangeSerializer,
    ChatInputSerializer,
    ChatSerializer,
    CommandSerializer,
    MessageSerializer,
    PromptSerializer,
    SaidSerializer,
    StoppedAnswerSerializer,
)
from models_app.chat import commands, exports, prompts, sessions
from models_app.chat.downloads import file_of
from models_app.chat.events import CHAT
from models_app.chat.excerpts import excerpts_of
from models_app.chat.filters import ChatFilter
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.versions import versions_beside
from ollamactl.lib.api.pagination import BoundedPageNumbers, PageNumbers
from ollamactl.lib.errors import InvalidInput, NotFound
from tasks_app.api.serializers import TaskSerializer

FORMAT = OpenApiParameter("format", enum=list(exports.FORMATS), description="Markdown by default.")


class ChatViewSet(PanelViewSet):
    """The caller's own chats; nobody else sees them."""

    queryset = ChatSession.objects.order_by("-updated_at", "-pk")
    serializer_class = ChatSerializer
    filterset_class = ChatFilter
    pagination_class = BoundedPageNumbers
    permissions = dict.fromkeys(
        (
            *("list", "retrieve", "create", "partial_update", "destroy", "messages", "ask"),
            *("message", "versions", "regenerate", "edit", "stop", "command", "export"),
        ),
        CHAT,
    )
    query_parameters = {"export": ["format"], "messages": ["page", "page_size"]}
    query_parameters["versions"] = query_parameters["messages"]

    def get_queryset(self) -> QuerySet[ChatSession]:
        return sessions.chats_of(self.request.user).order_by("-updated_at", "-pk")

    def list(self, request: Request) -> Response:
        """The caller's chats; with `search`, where in each was said what is looked for."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        excerpts = excerpts_of(page, request.query_params.get("search", ""))
        context = {**self.get_serializer_context(), "excerpts": excerpts}
        return self.get_paginated_response(ChatSerializer(page, many=True, context=context).data)

    @extend_schema(request=ChatInputSerializer, responses={201: ChatSerializer})
    def create(self, request: Request) -> Response:
        """Begin a chat with a model; nothing is asked yet."""
        given = ChatInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = sessions.create_chat(actor=self.actor, **given.validated_data)
        return Response(ChatSerializer(session).data, status=HTTP_201_CREATED)

    @extend_schema(request=ChatChangeSerializer, responses=ChatSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the title, the model, the system prompt, the parameters or how answers come."""
        given = ChatChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = sessions.change_chat(
            actor=self.actor, session=self.get_object(), **given.validated_data
        )
        return Response(ChatSerializer(session).data)

    @extend_schema(responses={204: OpenApiResponse(description="It is gone.")})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a chat with all that was said; an answer under way is stopped."""
        self.refuse_body()
        sessions.delete_chat(actor=self.actor, session=self.get_object())
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(responses=MessageSerializer(many=True), operation_id="chats_messages_list")
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=PageNumbers)
    def messages(self, request: Request, pk: int) -> Response:
        """What was said, the oldest first; what was edited or asked again is left out."""
        page = self.paginate_queryset(self._messages().filter(is_current=True).order_by("position"))
        return self.get_paginated_response(MessageSerializer(page, many=True).data)

    @extend_schema(request=PromptSerializer, responses={202: AskedSerializer})
    @messages.mapping.post
    def ask(self, request: Request, pk: int) -> Response:
        """Ask the model; 409 `answering` while it answers.

        The prompt and the answer's row are kept before this answers. The text comes by `chat.delta`
        to the topic `chat:<id>`.
        """
        asked = prompts.send_prompt(
            actor=self.actor, session=self.get_object(), text=self._prompt(request)
        )
        return self._asked(asked)

    @extend_schema(responses=MessageSerializer)
    @action(detail=True, methods=["get"], url_path="messages/<int:message>")
    def message(self, request: Request, pk: int, message: int) -> Response:
        """One message, an answer under way with what is kept of it so far."""
        return Response(MessageSerializer(self._message(message)).data)

    @extend_schema(responses=MessageSerializer(many=True), operation_id="chats_messages_versions")
    @action(
        detail=True,
        methods=["get"],
        filterset_class=None,
        pagination_class=PageNumbers,
        url_path="messages/<int:message>/versions",
    )
    def versions(self, request: Request, pk: int, message: int) -> Response:
        """All answers to the same prompt, or all texts that a prompt has had, the oldest first."""
        page = self.paginate_queryset(versions_beside(self._message(message)))
        return self.get_paginated_response(MessageSerializer(page, many=True).data)

    @extend_schema(request=None, responses={202: AskedSerializer})
    @action(detail=True, methods=["post"], url_path="messages/<int:message>/regenerate")
    def regenerate(self, request: Request, pk: int, message: int) -> Response:
        """Ask for another answer in the place of this one; also after a failure or a stop."""
        self.refuse_body()
        return self._asked(
            prompts.regenerate_answer(actor=self.actor, message=self._message(message))
        )

    @extend_schema(request=PromptSerializer, responses={202: AskedSerializer})
    @action(detail=True, methods=["post"], url_path="messages/<int:message>/edit")
    def edit(self, request: Request, pk: int, message: int) -> Response:
        """Ask something else in the place of this prompt; all that followed is replaced."""
        text = self._prompt(request)
        found = self._message(message)
        return self._asked(prompts.edit_prompt(actor=self.actor, message=found, text=text))

    @extend_schema(request=None, responses={202: StoppedAnswerSerializer})
    @action(detail=True, methods=["post"], url_path="messages/<int:message>/stop")
    def stop(self, request: Request, pk: int, message: int) -> Response:
        """Stop an answer; what was written stays."""
        self.refuse_body()
        stopped = prompts.stop_answer(actor=self.actor, message=self._message(message))
        return self.accepted(answer=MessageSerializer(stopped).data)

    @extend_schema(request=CommandSerializer, responses=SaidSerializer)
    @action(detail=True, methods=["post"])
    def command(self, request: Request, pk: int) -> Response:
        """Do what a slash command says, as in `ollama run`: `/set`, `/show`, `/load`, `/save`,
        `/list`, `/clear`, `/bye`, `/?`.

        `/save NAME` needs the permission to recreate models; 409 where the name is taken.
        """
        given = CommandSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = commands.run_command(
            actor=self.actor, session=self.get_object(), line=given.validated_data["command"]
        )
        data: Any = {"text": said.text, "action": said.action, "chat": said.session}
        return Response(SaidSerializer(data).data)

    @extend_schema(
        parameters=[FORMAT],
        responses={(200, kind.split(";")[0]): str for kind in exports.FORMATS.values()},
    )
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: int) -> HttpResponse:
        """The whole chat as a file, in Markdown or JSON."""
        wanted = request.query_params.get("format", "md")
        if wanted not in exports.FORMATS:
            raise InvalidInput(
                _("Choose md or json as the format."), code="invalid_choice", attr="format"
            )
        return file_of(self.get_object(), wanted)

    def _messages(self) -> QuerySet[ChatMessage]:
        return ChatMessage.objects.filter(session=self.get_object()).select_related("session")

    def _message(self, pk: int) -> ChatMessage:
        message = self._messages().filter(pk=pk).first()
        if message is None:
            raise NotFound(_("There is no such message in this chat."))
        return message

    def _prompt(self, request: Request) -> str:
        given = PromptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return str(given.validated_data["content"])

    def _asked(self, asked: prompts.Asked) -> Response:
        return self.accepted(
            message=MessageSerializer(asked.prompt).data,
            answer=MessageSerializer(asked.answer).data,
            task=TaskSerializer(asked.task).data,
        )
