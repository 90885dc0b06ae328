"""Inside the panel: the sentences of `broken_rules`, as JSON."""

from __future__ import annotations

import json
import sys

import django

if __name__ == "__main__":
    django.setup()
    from models_app.invariants import broken_rules

    json.load(sys.stdin)
    json.dump(broken_rules(), sys.stdout)
