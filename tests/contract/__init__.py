"""What an Ollama server does, asserted of the simulated one and of a real one alike."""
