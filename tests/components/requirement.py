"""A missing component: a skip with its reason, or a failure where the real ones are required."""

import os
from pathlib import Path

import pytest

from tests.components.inventory import Component, MissingComponent

REQUIRE_REAL = "OLLAMACTL_REQUIRE_REAL"
SKIP_PREFIX = "missing component"


def require(component: Component) -> Path:
    """Where the component is; skips the test, or fails it under ``OLLAMACTL_REQUIRE_REAL=1``."""
    try:
        return component.locate()
    except MissingComponent as error:
        reason = f"{SKIP_PREFIX} {component.name}: {error}"
        if os.environ.get(REQUIRE_REAL) == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
