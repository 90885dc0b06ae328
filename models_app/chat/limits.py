"""How much of everything there may be in a chat."""

from __future__ import annotations

LONGEST_PROMPT = 200_000
LONGEST_SYSTEM = 50_000
LONGEST_TITLE = 200
TITLE_FROM_PROMPT = 80
# An answer that never ends is ended here, with what was written until then.
LONGEST_ANSWER = 1_000_000
# Of a long conversation the model is told the newest part; its own context is shorter anyway.
MOST_TOLD, LONGEST_TOLD = 500, 600_000
