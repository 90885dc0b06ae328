"""What keeps the panel from starting, as the one sentence that a person sees."""


class StartError(Exception):
    """The panel cannot start; the text says what is wrong and what to do."""
