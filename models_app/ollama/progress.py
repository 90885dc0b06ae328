"""How far a pull is, from its lines: a bar that never goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models_app.ollama.types import PullLine

# Ollama sums up models of many small layers under this one.
_WHOLE_MODEL = "sha256:model"
_MOST_UNANNOUNCED_LAYERS = 1000


class PullPhase(StrEnum):
    """What a pull is doing."""

    MANIFEST = "manifest"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    WRITING = "writing"
    CLEANING = "cleaning"
    DONE = "done"


_PHASES = (
    ("pulling manifest", PullPhase.MANIFEST),
    ("pulling", PullPhase.DOWNLOADING),
    ("verifying", PullPhase.VERIFYING),
    ("writing", PullPhase.WRITING),
    ("removing", PullPhase.CLEANING),
    ("success", PullPhase.DONE),
)


@dataclass(slots=True)
class _Layer:
    total: int
    latest: int = 0
    most: int = 0
    seen: bool = False


class PullProgress:
    """Sums the lines of one pull. Pure: times come from the caller, in seconds of any one clock.

    `manifest_layers` (digest to bytes) gives the whole length from the start. Without it, or if the
    lines speak of a layer that it does not have, the length is that of the layers seen so far, and
    `done` is held up so that the share done never falls. `reached` is the (done, total) that people
    have seen of an earlier attempt: the share goes on from there. `fetched` counts the bytes that
    came while this watched; what a server had before is not among them.
    """

    def __init__(
        self,
        manifest_layers: Mapping[str, int] | None = None,
        *,
        reached: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self._known = bool(manifest_layers)
        self._layers = {d: _Layer(size) for d, size in (manifest_layers or {}).items()}
        self._whole: _Layer | None = None
        # The largest share so far, as done of total: whole numbers, so that nothing is rounded.
        done, total = reached
        self._best = (min(done, total), total) if done and total else (0, 1)
        self.fetched = 0
        self._grew_at: float | None = None
        self.phase = PullPhase.MANIFEST

    def feed(self, line: PullLine, now: float) -> None:
        """Take in one line that came at `now`."""
        phase = next((p for start, p in _PHASES if line.status.startswith(start)), self.phase)
        grew = phase is not self.phase or self._grew_at is None
        self.phase = phase
        if line.digest and (line.total or line.completed):
            grew |= self._count(line)
        if grew:
            self._grew_at = now
        if self.total:
            self._best = (self.done, self.total)

    def _count(self, line: PullLine) -> bool:
        """Whether bytes came. Some may come a second time, after a part had to start again."""
        layer = self._layer_of(line)
        if layer is None:
            return False
        grew = line.completed > layer.latest
        if layer.seen:
            self.fetched += max(0, line.completed - layer.latest)
        layer.seen = True
        layer.latest = line.completed
        layer.most = min(max(layer.most, line.completed), layer.total or line.completed)
        return grew

    def _layer_of(self, line: PullLine) -> _Layer | None:
        if line.digest == _WHOLE_MODEL:
            self._whole = self._whole or _Layer(line.total)
            return self._whole
        layer = self._layers.get(line.digest)
        if layer is None:
            if len(self._layers) >= _MOST_UNANNOUNCED_LAYERS:
                return None
            self._forget_the_manifest()
            layer = self._layers[line.digest] = _Layer(0)
        if not self._known:
            layer.total = max(layer.total, line.total, line.completed)
        return layer

    def _forget_the_manifest(self) -> None:
        """The registry has another one by now: only what lines speak of is true."""
        if self._known:
            self._known = False
            self._layers = {d: layer for d, layer in self._layers.items() if layer.latest}

    @property
    def total(self) -> int | None:
        """Bytes in all, or None while nothing is known of them."""
        summed = sum(layer.total for layer in self._layers.values())
        if self._whole is not None and not self._known:
            return max(summed, self._whole.total) or None
        return summed or None

    @property
    def done(self) -> int:
        """Bytes of `total` that are there; the share never falls."""
        if not self.total:
            return 0
        if self.phase is PullPhase.DONE:
            return self.total
        best_done, best_total = self._best
        held_up = -(-best_done * self.total // best_total)
        return min(max(self._exact, held_up), self.total)

    @property
    def received(self) -> int:
        """Bytes that really came, layer by layer, those that were there before included."""
        summed = sum(layer.most for layer in self._layers.values())
        return max(summed, self._whole.most) if self._whole else summed

    @property
    def _exact(self) -> int:
        return min(self.received, self.total or 0)

    def stalled(self, now: float, limit_s: float) -> bool:
        """Whether bytes should come and none has for longer than `limit_s`."""
        waiting = self.phase in (PullPhase.MANIFEST, PullPhase.DOWNLOADING)
        return waiting and self._grew_at is not None and now - self._grew_at > limit_s
