"""Commands that end with the tests: no server outlives a test run that was killed."""

import os
import shutil
from collections.abc import Sequence

Argument = str | os.PathLike[str]


def ending_with_us(command: Sequence[Argument]) -> list[Argument]:
    """`command`, so that it gets SIGTERM when the process that starts it dies (on Linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else list(command)
