"""What all tests share."""

pytest_plugins = ["tests.components.reporting", "tests.components.fixtures"]
