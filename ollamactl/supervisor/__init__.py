"""`ollamactl up`: starts the panel's processes, restarts what dies, and ends them together.

Imports no Django, so that it starts at once and stays small.
"""
