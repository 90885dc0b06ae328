"""The control panel that runs next to Ollama."""

__version__ = "0.1.0"
