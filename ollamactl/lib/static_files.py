"""Static files straight from the packages, cached for ever by browsers and compressed once.

`STATIC_URL` holds a fingerprint of all of them, so that an upgrade changes their addresses:
references from one file to another included, which a query or a hash in the name would miss.
"""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path
from shutil import rmtree

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]
from whitenoise.responders import StaticFile  # type: ignore[import-untyped]

# What is text, and large enough for it to matter; source maps are for developers alone.
COMPRESSED = {".js", ".css", ".svg", ".json", ".ttf", ".html", ".txt"}
SMALLEST = 512  # bytes
LEVEL = 6


class FingerprintedStaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise over addresses that never mean anything else.

    The compressed copies are made at the first start with a fingerprint, within a second, and kept
    in `STATIC_CACHE`; those of other fingerprints are deleted. With `autorefresh` (development)
    nothing is compressed, or kept by browsers.
    """

    def add_files_from_finders(self) -> None:
        self._copies = Path(settings.STATIC_CACHE) / self.static_prefix.strip("/").replace("/", "-")
        self._forget_others()
        super().add_files_from_finders()

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Whether an address always means the same bytes."""
        return not self.autorefresh

    def get_static_file(self, path: str, url: str, stat_cache: object = None) -> StaticFile:
        """As WhiteNoise's, with the compressed copy where there is one."""
        plain = super().get_static_file(path, url, stat_cache)
        copy = None if self.autorefresh else self._compressed(Path(path), url)
        if copy is None:
            return plain
        _every, _path, headers = plain.alternatives[-1]
        kept = [(name, value) for name, value in headers if name != "Content-Length"]
        return StaticFile(path, kept, encodings={"gzip": str(copy)})

    def _compressed(self, path: Path, url: str) -> Path | None:
        """The compressed copy, made now if it is not there; None where it would not help."""
        if path.suffix not in COMPRESSED or path.stat().st_size < SMALLEST:
            return None
        copy: Path = self._copies / f"{url[len(self.static_prefix) :].replace('/', '-')}.gz"
        if not copy.exists():
            _write_whole(copy, gzip.compress(path.read_bytes(), LEVEL, mtime=0))
        return copy

    def _forget_others(self) -> None:
        self._copies.mkdir(parents=True, exist_ok=True)
        for other in self._copies.parent.iterdir():
            if other != self._copies:
                rmtree(other, ignore_errors=True)


def _write_whole(path: Path, content: bytes) -> None:
    """A killed start leaves no half of a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
