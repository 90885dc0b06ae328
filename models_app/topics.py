"""The live topics of servers and models."""


def register() -> None:
    """Make them known."""
