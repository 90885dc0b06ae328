"""What all tasks about one model share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from models_app.choices import ModelStatus
from models_app.endpoints import client_of
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import OllamaError
from models_app.services import states
from tasks_app.models import Task
from tasks_app.runners import Runner, TaskFailed

# A batch keeps threads free for what people do with single models, and the server usable.
AT_ONCE_ON_A_SERVER = 4


class ModelRunner(Runner):
    """A task about one model on one server, which then shows `queued` and `running`."""

    queued: ClassVar[ModelStatus]
    running: ClassVar[ModelStatus]
    offers_retry: ClassVar[bool] = False
    """Whether a model shows a button to try this again; other work has a button of its own."""

    @classmethod
    def settle(cls, task: Task) -> None:
        cls.settle_all([task])

    @classmethod
    def settle_all(cls, tasks: Sequence[Task]) -> None:
        states.settle_models(tasks)

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        """Only children of batches have a key: so many of them work on one server at once."""
        return AT_ONCE_ON_A_SERVER

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["models", f"model:{task.resource_id}"]

    def work(self) -> dict[str, Any] | None:
        models = OllamaModel.objects.select_related("server")
        model = models.filter(pk=self.task.resource_id or 0).first()
        if model is None:
            raise TaskFailed(states.GONE_FROM_PANEL, code="model_gone")
        self.prepare(model)
        return self.run.stream(self._guarded(model))

    def prepare(self, model: OllamaModel) -> None:
        """What has to be looked up before the work; here the database may be asked."""

    async def _guarded(self, model: OllamaModel) -> dict[str, Any] | None:
        try:
            async with client_of(model.server) as client:
                return await self.act(model, client)
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        """The work itself, on the event loop: no database here."""
        raise NotImplementedError
