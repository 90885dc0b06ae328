"""Open WebUI beside Ollama: finding it, and seeing that it is what answers there."""
