"""An archive on a disk of this machine, for an operator: whatever status the company has."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.files import FileStore
from kedang_platform.files.local import LocalFiles
from kedang_platform.registry import Company
from kedang_tenants.leaving.exporting import Progress, collect, counted, pack


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive that was written: its bytes, and how many rows it holds by the name of their table."""

    path: Path
    size: int
    rows: dict[str, int]


async def export_to_file(
    databases: Databases, company: Company, path: Path, *, files: FileStore, product: str, clock: Clock
) -> Archived:
    """Write everything the company has to ``path``, which is there when it is whole and readable by nobody else."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        pieces, progress = LocalFiles(folder), Progress()
        await collect(databases, company.ref, pieces=pieces, progress=progress, keep=_keep)
        draft = folder / "archive"
        archive = await asyncio.to_thread(_begun, draft)
        with archive:
            async for chunk in pack(
                databases,
                company,
                pieces=pieces,
                files=files,
                progress=progress,
                product=product,
                clock=clock,
            ):
                await asyncio.to_thread(archive.write, chunk)
            await asyncio.to_thread(_settle, archive)
        size = draft.stat().st_size
        draft.rename(path)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return Archived(path, size, dict(counted(progress)))


async def _keep(_progress: Progress) -> None:
    """Nothing goes on where a command was ended: it is given again."""


def _begun(path: Path) -> BinaryIO:
    """A new file that nobody else may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _settle(archive: BinaryIO) -> None:
    archive.flush()
    os.fsync(archive.fileno())
