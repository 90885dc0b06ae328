"""`/metrics`: the figures of the whole panel for Prometheus, whichever web process is asked.

What is in the database is counted there at each scrape; what happens in processes comes by way of
Valkey (`ollamactl.lib.figures`).
"""
