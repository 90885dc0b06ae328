"""The real programs that the tests run against: Ollama, a model, a registry and a browser.

``python -m tests.components install`` provisions them on this machine, into a cache outside the
checkout (``OLLAMACTL_COMPONENTS``, by default ``~/.cache/ollamactl-components``). Their fixtures
are in `tests.components.fixtures`. A test whose component is missing is skipped with the reason,
or fails with it where ``OLLAMACTL_REQUIRE_REAL=1``.
"""
