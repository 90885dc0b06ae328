"""Looking for newer versions."""

from __future__ import annotations

import asyncio
from typing import Any

from models_app.batches.asking import Key, Said, said_of
from models_app.endpoints import registry_config
from models_app.models import OllamaServer
from models_app.ollama.names import ModelName
from models_app.services import updates
from models_app.services.lifecycle import PULL
from tasks_app.choices import Unit
from tasks_app.runners import Runner, register

# So many questions at once, and no more than some in a second: registries are other people's.
AT_ONCE = 4
IN_A_PART = 40
PAUSE_S = 0.5


@register
class UpdatesRunner(Runner):
    """Ask the registries for the manifest of each version that is somewhere."""

    type = updates.TYPE
    permission = PULL

    @classmethod
    def topics(cls, task: Any) -> list[str]:
        return ["models"]

    def work(self) -> dict[str, Any] | None:
        asked = updates.questions()
        counts = {"checked": 0, "unknown": 0, "changed": 0}
        for part in updates.in_parts(asked, IN_A_PART):
            said = self.run.stream(self._ask(part))
            counts["changed"] += updates.take_answers(said)
            counts["checked"] += len(part)
            counts["unknown"] += sum(each.manifest is None for each in said.values())
            self.run.progress(
                done=counts["checked"], total=len(asked), unit=Unit.ITEMS, phase="asking"
            )
        return {**counts, "outdated": updates.known_updates().outdated}

    async def _ask(self, part: dict[Key, tuple[OllamaServer, ModelName]]) -> dict[Key, Said]:
        gate = asyncio.Semaphore(AT_ONCE)
        answers: dict[Key, Said] = {}

        async def ask(key: Key, server: OllamaServer, name: ModelName) -> None:
            async with gate:
                answers[key] = await said_of(name, registry_config(server))

        await asyncio.gather(*(ask(key, *each) for key, each in part.items()))
        if len(part) == IN_A_PART:
            await asyncio.sleep(PAUSE_S)
        return answers
