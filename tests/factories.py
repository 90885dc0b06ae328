"""Rows for tests: each with what it needs and nothing more."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

from django.contrib.auth.models import Group, User
from django.utils import timezone
from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from audit_app.actors import Actor
from audit_app.choices import Origin
from audit_app.models import ApiToken
from models_app.chat.choices import Role
from models_app.choices import ModelStatus, ServerStatus, Source
from models_app.models import ChatMessage, ChatSession, OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from tasks_app.choices import State
from tasks_app.models import Task

PASSWORD = "correct horse battery"

Row_co = TypeVar("Row_co", covariant=True)


class FactoryOf(Protocol[Row_co]):
    """A factory, as the tests use it: called, it makes a row."""

    def __call__(self, **fields: Any) -> Row_co: ...

    def create_batch(self, size: int, **fields: Any) -> list[Any]: ...


class Users(DjangoModelFactory[User]):
    """A user; `role` puts it into one of the three groups."""

    username = Sequence(lambda number: f"user{number}")

    class Meta:
        model = User
        skip_postgeneration_save = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> User:
        role = kwargs.pop("role", None)
        password = kwargs.pop("password", PASSWORD)
        user: User = model_class.objects.create_user(*args, password=password, **kwargs)
        if role:
            user.groups.add(Group.objects.get(name=role))
        return user


class OllamaServers(DjangoModelFactory[OllamaServer]):
    """A server that is online; nothing listens at its address."""

    name = Sequence(lambda number: f"server{number}")
    base_url = Sequence(lambda number: f"http://127.0.0.1:{20000 + number}")
    status = ServerStatus.ONLINE
    version = "0.24.0"

    class Meta:
        model = OllamaServer


class OllamaModels(DjangoModelFactory[OllamaModel]):
    """A model that is installed and stopped."""

    server = SubFactory(OllamaServers)
    name = Sequence(lambda number: f"model{number}:latest")
    key = LazyAttribute(lambda row: ModelName.parse(row.name).key)
    source = Source.LIBRARY
    status = ModelStatus.STOPPED
    size = 1_000_000
    digest = Sequence(lambda number: f"{number:064x}")

    class Meta:
        model = OllamaModel


class ChatSessions(DjangoModelFactory[ChatSession]):
    """A chat that an operator has begun."""

    owner = SubFactory(Users, role="operator")
    model = SubFactory(OllamaModels)
    model_name = LazyAttribute(lambda row: row.model.name)
    server_name = LazyAttribute(lambda row: row.model.server.name)
    title = Sequence(lambda number: f"7 x {number}")

    class Meta:
        model = ChatSession


class ChatMessages(DjangoModelFactory[ChatMessage]):
    """What somebody has asked."""

    session = SubFactory(ChatSessions)
    position = Sequence(lambda number: number + 1)
    role = Role.USER
    content = "7 x 6?"

    class Meta:
        model = ChatMessage


class Tasks(DjangoModelFactory[Task]):
    """A task that is queued."""

    type = "model.pull"
    resource_type = "model"
    resource_id = Sequence(lambda number: 1000 + number)
    resource_name = "llama3.2:latest"
    state = State.QUEUED

    class Meta:
        model = Task


UserFactory = cast("FactoryOf[User]", Users)
OllamaServerFactory = cast("FactoryOf[OllamaServer]", OllamaServers)
OllamaModelFactory = cast("FactoryOf[OllamaModel]", OllamaModels)
ChatSessionFactory = cast("FactoryOf[ChatSession]", ChatSessions)
ChatMessageFactory = cast("FactoryOf[ChatMessage]", ChatMessages)
TaskFactory = cast("FactoryOf[Task]", Tasks)


def token_of(user: User, *, expires_in: Any = None) -> str:
    """A fresh token of a user, for the `Authorization` header."""
    expiry = timezone.now() + expires_in if expires_in is not None else None
    _row, text = ApiToken.objects.create(user=user, expiry=None, name="test")
    _row.expiry = expiry
    _row.save(update_fields=["expiry"])
    return str(text)


def actor_of(user: User) -> Actor:
    """The user as it acts through the API."""
    return Actor(user=user, origin=Origin.API)
