"""The panel's colours, as the shell takes them."""

from __future__ import annotations

# A petrol blue. White on 600 has a contrast of 5.9, and 300 on the dark ground one of 9.
PRIMARY = {
    "50": "oklch(97.7% .013 225)",
    "100": "oklch(94.5% .03 224)",
    "200": "oklch(89% .058 224)",
    "300": "oklch(81.5% .095 223)",
    "400": "oklch(73% .115 222)",
    "500": "oklch(65.5% .12 222)",
    "600": "oklch(50% .095 226)",
    "700": "oklch(43.5% .085 228)",
    "800": "oklch(37% .07 230)",
    "900": "oklch(32% .058 232)",
    "950": "oklch(24% .045 234)",
}
COLORS = {"primary": PRIMARY}
