"""The live topics of tasks."""


def register() -> None:
    """Make them known."""
