"""Tasks made of toys, done in this process or by real workers."""

from __future__ import annotations

from typing import Any

import pytest

from audit_app.actors import SYSTEM
from tasks_app.models import Task
from tasks_app.services import create_task
from tests.tasks import toys  # noqa: F401 - registers the types


class Maker:
    """Creates tasks of the panel's own."""

    def __call__(self, type: str, **options: Any) -> Task:
        """One task of a toy type, as `create_task` takes it."""
        return create_task(type=type, actor=SYSTEM, **options)


@pytest.fixture
def make(transactional_db: None) -> Maker:
    """Creates tasks: `make("toy.quick", payload={...})`."""
    return Maker()
