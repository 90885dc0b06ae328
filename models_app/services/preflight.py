"""The check before a download. (Shape; filled next.)"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models_app.models import OllamaServer


@dataclass(frozen=True)
class Preflight:
    """The verdict: `ok`, `warn` or `block`, with its reasons. `as_json` has api.md's shape."""

    verdict: str
    download_bytes: int | None = None
    estimate: str = "unknown"
    disk: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The API's answer."""
        return {
            "verdict": self.verdict,
            "download_bytes": self.download_bytes,
            "estimate": self.estimate,
            "disk": self.disk,
            "memory": self.memory,
            "network": self.network,
            "downloads": self.downloads,
            "reasons": [dict(reason, detail=str(reason["detail"])) for reason in self.reasons],
        }


def check_pull(*, server: OllamaServer, name: str) -> Preflight:
    """Look at what a pull would need, within 2 s; what is not known by then is `unknown`."""
    raise NotImplementedError
