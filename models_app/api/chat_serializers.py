"""The shapes of chats."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.chat.choices import AnswerFormat, AnswerState, Format, Role, Think, ThinkLevel
from models_app.chat.limits import LONGEST_PROMPT, LONGEST_SYSTEM, LONGEST_TITLE
from models_app.chat.records import ChatMessage, ChatSession
from models_app.models import OllamaModel
from ollamactl.lib.api.serializers import StrictSerializer, Text
from tasks_app.api.serializers import TaskSerializer


@extend_schema_field(
    {
        "oneOf": [{"type": "boolean"}, {"type": "string", "enum": ThinkLevel.values}],
        "nullable": True,
    }
)
class ThinkField(serializers.BooleanField):
    """Whether a model thinks before it answers, or at which of the levels."""

    default_error_messages = {
        "invalid": _("Thinking is true, false, or one of: low, medium, high, max.")
    }

    def to_internal_value(self, data: Any) -> Think:  # type: ignore[override]  # it has levels too
        if isinstance(data, str) and data in ThinkLevel.values:
            return data
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Think:  # type: ignore[override]
        return value if isinstance(value, str) else super().to_representation(value)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": AnswerFormat.values},
            {"type": "object", "additionalProperties": True, "minProperties": 1},
        ],
        "nullable": True,
    }
)
class FormatField(serializers.ChoiceField):
    """One of the formats of answers, or a JSON schema that they have to fit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(AnswerFormat.choices, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Format:  # type: ignore[override]  # or a schema
        return data if isinstance(data, dict) else super().to_internal_value(data)

    def to_representation(self, value: Any) -> Format:  # type: ignore[override]
        return value if isinstance(value, dict) else super().to_representation(value)


class ChatSerializer(serializers.ModelSerializer[ChatSession]):
    """A chat of the caller's own. `model` is null once it is gone from the panel.

    `options` are parameters as in a Modelfile. `think` as Ollama has it: whether the model thinks
    before it answers, or at which level, which few models know; null leaves it to the model.
    `format` `json` makes the model answer in JSON, a JSON schema in such as fits it (20,000
    characters at most); null: as it likes. `verbose` says whether all figures are shown after an
    answer (true) or none (false); null: the few that the page shows by itself. What comes before
    the position `context_from` is not told to the model any more.
    """

    model = serializers.PrimaryKeyRelatedField[OllamaModel](read_only=True, allow_null=True)
    server = serializers.IntegerField(source="model.server_id", allow_null=True, default=None)
    options = serializers.DictField()
    think = ThinkField(source="think_value", allow_null=True, read_only=True)
    format = FormatField(source="format_value", read_only=True)
    excerpt = serializers.SerializerMethodField(
        help_text="In a list with `search`: one line about what was found in what was said, "
        "without markup. Else null, and where the title alone has the words."
    )

    class Meta:
        model = ChatSession
        fields = [
            "id",
            "title",
            "model",
            "model_name",
            "server",
            "server_name",
            "system",
            "options",
            "think",
            "format",
            "verbose",
            "context_from",
            "created_at",
            "updated_at",
            "excerpt",
        ]
        read_only_fields = fields

    def get_excerpt(self, chat: ChatSession) -> str | None:
        found: dict[int, str] = self.context.get("excerpts", {})
        return found.get(chat.pk)


class MessageSerializer(serializers.ModelSerializer[ChatMessage]):
    """What was said. Times in seconds, rates in tokens a second; null where it is not known.

    `attempt` rises when an answer is begun anew; `restarts` says how often its worker was lost.
    `is_current` is false for what was edited or asked again.
    """

    role = serializers.ChoiceField(Role.choices, read_only=True)
    state = serializers.ChoiceField(AnswerState.choices, read_only=True)
    error = serializers.SerializerMethodField()
    attempt = serializers.IntegerField(source="epoch", read_only=True)
    task = serializers.IntegerField(source="task_id", allow_null=True, read_only=True)

    class Meta:
        model = ChatMessage
        fields = [
            "id",
            "position",
            "is_current",
            "role",
            "content",
            "thinking",
            "state",
            "error",
            "model_name",
            "task",
            "attempt",
            "restarts",
            "done_reason",
            "prompt_tokens",
            "tokens",
            "load_seconds",
            "first_token_seconds",
            "token_rate",
            "seconds",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": "object",
            "nullable": True,
            "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
            "required": ["code", "detail"],
        }
    )
    def get_error(self, message: ChatMessage) -> dict[str, str] | None:
        if not message.error_code:
            return None
        return {"code": message.error_code, "detail": str(message.error)}


class ModelRelation(serializers.PrimaryKeyRelatedField[OllamaModel]):
    """A model by its id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=OllamaModel.objects.select_related("server"), **kwargs)

    def to_internal_value(self, data: Any) -> OllamaModel:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)  # type: ignore[arg-type]  # an id, not yet a row


class ChatChangeSerializer(StrictSerializer):
    """What can be changed of a chat; `options` replaces all of them."""

    title = Text(required=False, max_length=LONGEST_TITLE)
    model = ModelRelation(required=False)
    system = Text(required=False, allow_blank=True, max_length=LONGEST_SYSTEM)
    options = serializers.DictField(required=False)
    think = ThinkField(required=False, allow_null=True)
    format = FormatField(required=False)
    verbose = serializers.BooleanField(required=False, allow_null=True)


class ChatInputSerializer(ChatChangeSerializer):
    """A new chat."""

    title = Text(required=False, allow_blank=True, max_length=LONGEST_TITLE)
    model = ModelRelation()


class PromptSerializer(StrictSerializer):
    """What to ask."""

    content = Text(max_length=LONGEST_PROMPT, trim_whitespace=False)


class CommandSerializer(StrictSerializer):
    """A line that begins with a slash, as in `ollama run`."""

    command = Text(max_length=LONGEST_SYSTEM)


class SaidSerializer(serializers.Serializer[Any]):
    """What a command says; `action` `leave` asks the program to leave the chat."""

    text = serializers.CharField(allow_blank=True)
    action = serializers.ChoiceField(["", "leave"], allow_blank=True)
    chat = ChatSerializer()


class AskedSerializer(serializers.Serializer[Any]):
    """A prompt, its answer's row, and the task that writes it."""

    message = MessageSerializer()
    answer = MessageSerializer()
    task = TaskSerializer()


class StoppedAnswerSerializer(serializers.Serializer[Any]):
    """An answer that is being stopped, or has been."""

    answer = MessageSerializer()
