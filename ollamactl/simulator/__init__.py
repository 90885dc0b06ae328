"""A simulated Ollama server and registry: for the demo and for fast tests.

It answers like Ollama 0.24 in the calls that the panel uses, moves no model bytes and needs no
network. Everything in it that people can see says "simulated".
"""
