"""Files in a folder of this machine: one folder a company, two levels of folders below it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID, uuid4

from kedang_platform.database import CompanyRef
from kedang_platform.database.company import checked_schema
from kedang_platform.files.errors import FileMissing
from kedang_platform.files.store import StoredFile
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings

_PIECE: Final = 256 * 1024
_DRAFT: Final = ".part"
_HEX: Final = frozenset("0123456789abcdef")


class LocalFiles:
    """A ``FileStore`` under one folder, readable by the product's account only.

    Disk work happens in threads, a quarter of a megabyte at a time, so that a slow disk holds up nobody else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(
        self, company: CompanyRef, chunks: AsyncIterable[bytes], *, content_id: UUID | None = None
    ) -> StoredFile:
        content_id = content_id or uuid4()
        path = self._path(company, content_id)
        draft = _Draft(path)
        await asyncio.to_thread(draft.begin)
        try:
            async for piece in _gathered(chunks):
                await asyncio.to_thread(draft.add, piece)
            await asyncio.to_thread(draft.keep)
        except BaseException:
            draft.discard()
            raise
        return StoredFile(content_id, draft.size, draft.sha256)

    async def open(self, company: CompanyRef, content_id: UUID) -> AsyncIterator[bytes]:
        path = self._path(company, content_id)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError as error:
            raise _missing() from error
        try:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
        finally:
            file.close()

    async def size(self, company: CompanyRef, content_id: UUID) -> int:
        try:
            return (await asyncio.to_thread(self._path(company, content_id).stat)).st_size
        except FileNotFoundError as error:
            raise _missing() from error

    async def old_contents(
        self, company: CompanyRef, *, before: datetime, after: UUID | None = None, limit: int
    ) -> list[UUID]:
        old = _older(self._of(company), before, behind=after.hex if after else "")
        names = (path.name for path in old if _is_content(path.name))
        return [UUID(hex=name) for name in await asyncio.to_thread(lambda: list(islice(names, limit)))]

    async def forget_unfinished(self, company: CompanyRef, *, before: datetime) -> int:
        return await asyncio.to_thread(_forget_drafts, self._of(company), before)

    async def delete_all(self, company: CompanyRef) -> None:
        await asyncio.to_thread(shutil.rmtree, self._of(company), ignore_errors=True)

    async def delete(self, company: CompanyRef, content_id: UUID) -> None:
        await asyncio.to_thread(self._path(company, content_id).unlink, missing_ok=True)

    @asynccontextmanager
    async def local_path(self, company: CompanyRef, content_id: UUID) -> AsyncIterator[Path]:
        await self.size(company, content_id)
        yield self._path(company, content_id)

    def _of(self, company: CompanyRef) -> Path:
        return self._folder / checked_schema(company.schema)

    def _path(self, company: CompanyRef, content_id: UUID) -> Path:
        name = content_id.hex
        return self._of(company) / name[:2] / name[2:4] / name


def open_files(settings: Settings) -> LocalFiles:
    """The store of this installation: ``var/files``."""
    return LocalFiles(settings.var / "files")


class _Draft:
    """A file being written beside its final place; it is moved there in one step when all of it is on disk."""

    def __init__(self, path: Path) -> None:
        self._final = path
        self._path = path.with_name(f"{path.name}{_DRAFT}")
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def begin(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def add(self, piece: bytes) -> None:
        assert self._file is not None
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]
        self._hash.update(piece)
        self.size += len(piece)

    def keep(self) -> None:
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._final)
        _sync_folder(self._final.parent)

    def discard(self) -> None:
        """Leave nothing behind; also when ``keep`` was interrupted between its steps."""
        if self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)
        self._final.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _older(folder: Path, before: datetime, *, behind: str = "") -> Iterator[Path]:
    """Files below the folder of a company that were written ``before``, by name, those behind a name."""
    for upper in _named(folder, behind[:2]):
        for lower in _named(upper, behind[2:4] if upper.name == behind[:2] else ""):
            for path in _named(lower, behind):
                # One that is gone meanwhile was taken away by whoever wrote it.
                with suppress(FileNotFoundError):
                    if path.name > behind and path.stat().st_mtime < before.timestamp():
                        yield path


def _named(folder: Path, least: str) -> list[Path]:
    """What lies in a folder, by name, from ``least`` on; nothing where there is none."""
    try:
        return sorted(path for path in folder.iterdir() if path.name >= least)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_content(name: str) -> bool:
    return len(name) == 32 and not set(name) - _HEX


def _forget_drafts(folder: Path, before: datetime) -> int:
    drafts = [path for path in _older(folder, before) if path.suffix == _DRAFT]
    for path in drafts:
        path.unlink(missing_ok=True)
    return len(drafts)


async def _gathered(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of a size that is worth a thread."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _missing() -> FileMissing:
    return FileMissing(msg("The content of this file is not there."))
