"""What the check before a download says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models_app.ollama.registry import Manifest
from ollamactl.lib.sentences import join_sentences

OK, WARN, BLOCK, UNKNOWN = "ok", "warn", "block", "unknown"
NOTE = "note"
DISK_TOO_SMALL = "disk_too_small"


@dataclass(frozen=True)
class Preflight:
    """The verdict: `ok`, `warn` or `block`, with its reasons. `as_json` has the API's shape.

    `manifest` is what the registry said, for who goes on from here.
    """

    verdict: str
    download_bytes: int | None = None
    estimate: str = UNKNOWN
    disk: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    gpu: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[dict[str, Any], ...] = ()
    manifest: Manifest | None = None

    def as_json(self) -> dict[str, Any]:
        """The API's answer, in the reader's language."""
        return {
            "verdict": self.verdict,
            "download_bytes": self.download_bytes,
            "estimate": self.estimate,
            "disk": self.disk,
            "memory": self.memory,
            "gpu": self.gpu,
            "network": self.network,
            "downloads": self.downloads,
            "host": {**self.host, "detail": str(self.host.get("detail", ""))},
            "reasons": [
                {"code": reason["code"], "detail": str(reason["detail"])} for reason in self.reasons
            ],
        }

    def sentence(self) -> str:
        """The reasons that block, as one text."""
        return join_sentences(*(r["detail"] for r in self.reasons if r["level"] == BLOCK))

    def reason(self, code: str) -> object | None:
        """The sentence of one reason; None where it is not among them."""
        return next((r["detail"] for r in self.reasons if r["code"] == code), None)


@dataclass
class Findings:
    """The reasons that follow from the answers."""

    reasons: list[dict[str, Any]] = field(default_factory=list)

    def add(self, level: str, code: str, detail: object) -> None:
        """One reason more: a `level` of verdicts or `NOTE`, a code, a sentence."""
        self.reasons.append({"level": level, "code": code, "detail": detail})

    @property
    def verdict(self) -> str:
        """The gravest of the levels."""
        levels = {reason["level"] for reason in self.reasons}
        return next((level for level in (BLOCK, WARN) if level in levels), OK)
