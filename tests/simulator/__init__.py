"""What the simulated Ollama has of its own: its catalogue, its failures, its memory."""
