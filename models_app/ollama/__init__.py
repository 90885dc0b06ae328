"""Ollama as the outside world: its names, its HTTP API, its registries. No database here."""
