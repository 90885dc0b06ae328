"""The control panel that runs next to Ollama."""

import sys

# httpx would load its own command line into every process, with all that it needs for colours.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
