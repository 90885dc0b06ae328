"""The verbs that work with a running panel, over its API."""
