"""Conversations with models: the online terminal."""
