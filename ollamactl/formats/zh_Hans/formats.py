"""Groups of three digits with commas, as Chinese software writes numbers; Django has none."""

from __future__ import annotations

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
