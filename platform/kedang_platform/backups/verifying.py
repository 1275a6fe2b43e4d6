"""Proving that a base holds what PostgreSQL says it sent, and later that it still does.

The wheel's ``pg_verifybackup`` does not run (it ends with a segmentation fault). What it does for a
base in tar form is this: every file of ``backup_manifest`` is there, with its size and SHA-256, and no other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from kedang_platform.backups.archive import BASE_FILE, Base, damaged

BASE_TAR: Final = "base.tar.gz"
WAL_TAR: Final = "pg_wal.tar.gz"
MANIFEST: Final = "backup_manifest"
_PIECE: Final = 1024 * 1024
TAR_ERRORS: Final = (tarfile.TarError, EOFError, OSError, zlib.error)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What PostgreSQL says it sent: (size, SHA-256) by path, and the part of the log that belongs to it."""

    files: Mapping[str, tuple[int, str]]
    timeline: int
    start: str
    end: str

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.files.values())


def read_manifest(path: Path) -> Manifest:
    """Raises BackupDamaged when it is not whole: its last line holds the sum of all before it."""
    try:
        raw = path.read_bytes()
        told: dict[str, Any] = json.loads(raw)
        body = raw[: raw.rindex(b'"Manifest-Checksum"')]
        if hashlib.sha256(body).hexdigest() != told["Manifest-Checksum"]:
            raise damaged(path)
        ranges = told["WAL-Ranges"][0]
        files = {file["Path"]: (int(file["Size"]), str(file["Checksum"])) for file in told["Files"]}
        return Manifest(files, int(ranges["Timeline"]), str(ranges["Start-LSN"]), str(ranges["End-LSN"]))
    except (OSError, ValueError, KeyError, IndexError) as problem:
        raise damaged(path) from problem


def prove(folder: Path) -> Manifest:
    """Read a base back and compare each of its files with the manifest. Raises BackupDamaged."""
    manifest = read_manifest(folder / MANIFEST)
    try:
        found = dict(_contents(folder / BASE_TAR))
    except TAR_ERRORS as problem:
        raise damaged(folder / BASE_TAR) from problem
    if found != dict(manifest.files):
        raise damaged(folder / BASE_TAR)
    return manifest


def sums_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a base."""
    return {path.name: sum_of(path) for path in sorted(folder.iterdir()) if path.name != BASE_FILE}


def sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, base: Base) -> None:
    """Raises BackupDamaged, naming the file, when one is missing or differs by a single bit."""
    for name, expected in base.sums.items():
        path = folder / name
        if not path.is_file() or sum_of(path) != expected:
            raise damaged(path)


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """A compressed tar to be read once through. PostgreSQL writes several gzip members, as tarfile cannot."""
    with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as tar:
        yield tar


def _contents(path: Path) -> dict[str, tuple[int, str]]:
    found = {}
    with opened(path) as tar:
        for member in tar:
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                found[member.name.removeprefix("./")] = (member.size, _digest(content))
    return found


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
