"""The fingerprint in the address of static files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def fingerprint_of(folders: Iterable[Path], packages: Iterable[str]) -> str:
    """A short text that changes with the files of the folders and the versions of the packages."""
    found = hashlib.sha256()
    for package in sorted(packages):
        found.update(f"{package} {version(package)}\n".encode())
    for folder in folders:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            found.update(f"{file.relative_to(folder)}\n".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:12]
