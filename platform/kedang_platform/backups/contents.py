"""The contents of files: each is written once and never changes, so each is copied once."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from kedang_platform.backups.archive import Archive, stamp, sync_folder
from kedang_platform.backups.errors import room_on

_PART = ".part"  # a content that is being written


def save_contents(archive: Archive, files: Path, *, now: datetime) -> int:
    """Copy contents that the archive lacks, and set aside those that are gone; returns how many were copied.

    What is gone stays below ``gone/<now>`` for as long as a base stands for an instant at which it was there.
    """
    live, saved = set(_contents(files)), set(_contents(archive.files))
    with room_on(archive.folder):
        for path in sorted(live - saved):
            _copy(files / path, archive.files / path)
        for path in saved - live:
            _set_aside(archive.files / path, archive.gone / stamp(now) / path)
    return len(live - saved)


def forget_contents(archive: Archive, *, before: datetime) -> None:
    """Let go of contents that were gone by then."""
    for folder in sorted(archive.gone.iterdir()) if archive.gone.is_dir() else ():
        if folder.name < stamp(before):
            shutil.rmtree(folder)


def bring_back(archive: Archive, target: Path, *, schema: str | None, to: str | None, at: datetime) -> int:
    """Copy contents that were there at ``at`` into ``target``; returns how many.

    With ``schema`` only those of one company, below the folder ``to`` instead of the company's own.
    """
    copied = 0
    for root in (archive.files, *_gone_after(archive, at)):
        inside = root / schema if schema else root
        for path in _contents(inside):
            place = target / to / path if to else target / path
            # A content is written before the row that names it: what is younger, no restored row names.
            if (inside / path).stat().st_mtime <= at.timestamp() and not place.exists():
                _copy(inside / path, place)
                copied += 1
    return copied


def size_of_contents(archive: Archive) -> int:
    """Bytes of all contents in the archive."""
    roots = (archive.files, archive.gone)
    return sum((root / path).stat().st_size for root in roots for path in _contents(root))


def _gone_after(archive: Archive, at: datetime) -> Iterator[Path]:
    if archive.gone.is_dir():
        yield from (folder for folder in sorted(archive.gone.iterdir()) if folder.name >= stamp(at))


def _contents(root: Path) -> Iterator[Path]:
    """Each content below ``root``, relative to it."""
    for folder, _, names in os.walk(root):
        for name in names:
            if not name.endswith(_PART):
                yield (Path(folder) / name).relative_to(root)


def _copy(source: Path, target: Path) -> None:
    """A copy that is whole or not there; a content that was deleted just now is none."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PART}")  # two may copy it at once
    try:
        with source.open("rb") as taken, draft.open("wb") as given:
            shutil.copyfileobj(taken, given, 1024 * 1024)
            given.flush()
            os.fsync(given.fileno())
        draft.chmod(0o600)
        shutil.copystat(source, draft)  # its age tells which instants it belongs to
        draft.rename(target)
        sync_folder(target.parent)
    except FileNotFoundError:
        if source.exists():
            raise
    finally:
        draft.unlink(missing_ok=True)


def _set_aside(path: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # another was quicker
        path.rename(place)
