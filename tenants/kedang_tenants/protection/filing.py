"""Files that hold a person's values: what the product wrote or read for somebody, and what hangs on the person (T7)."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, TenantRead, TenantWrite
from kedang_platform.files import FileMissing, FileStore
from kedang_tenants.catalogue import catalogue
from kedang_tenants.protection.scrubbing import MARK, Scrubber
from kedang_tenants.protection.sweeping import Task

_PASSING: Final = ("import", "export", "bulk_operation", "report_run", "person_request")
"""Records whose files are copies that can be made anew."""
_PACKAGES: Final = frozenset({"XLSX", "DOCX", "ZIP"})
_PIECE: Final = 1 << 20
_OVERLAP: Final = 4096
_LARGEST_PART: Final = 64 << 20
_ENCODINGS: Final = ("utf-8", "gb18030", "utf-16")

_CANDIDATES: Final = """
SELECT id, name, kind, content_id, attached_to, attached_to = ANY($2::text[]) AS own,
    (SELECT array_agg(beside.id ORDER BY beside.id) FROM file beside
     WHERE beside.attached_to = file.attached_to AND beside.kind <> 'PDF' AND beside.content_id IS NOT NULL) AS beside
FROM file
WHERE id > $4 AND (content_id IS NOT NULL OR attached_to = ANY($2::text[])) AND (
    split_part(attached_to, '_', 1) = ANY($1::text[]) OR attached_to = ANY($2::text[])
    OR id IN (SELECT file_id FROM import UNION SELECT source_file_id FROM bulk_operation)
    OR name ~* $3
)
ORDER BY id LIMIT $5
"""
_EMPTY: Final = """
UPDATE file SET content_id = NULL, state = 'PENDING', name = $2, sha256 = NULL, archived_at = coalesce(archived_at, $3),
    updated_at = $3, version = version + 1
WHERE id = $1
"""
_RENAME: Final = "UPDATE file SET name = $2, updated_at = $3, version = version + 1 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class FileToCheck:
    """A file that may hold a person's values; ``own`` hangs on the person itself and goes in any case.

    ``beside`` are the files of the same record that can be searched: a report is written in several forms at once.
    """

    id: UUID
    name: str
    kind: str
    content_id: UUID | None
    passing: bool
    own: bool
    beside: tuple[UUID, ...] = ()


async def files_to_check(
    read: TenantRead, task: Task, *, pattern: str | None, after: UUID | None, limit: int
) -> list[FileToCheck]:
    """The next files behind the id ``after``: transport files, what hangs on the person, names that mention them."""
    prefixes = [catalogue().record(name).prefix for name in _PASSING]
    rows = await read.fetch(
        _CANDIDATES, prefixes, task.public_ids, pattern or "(?!)", after or UUID(int=0), limit
    )
    return [_file(row, prefixes) for row in rows]


def _file(row: asyncpg.Record, prefixes: Sequence[str]) -> FileToCheck:
    attached = str(row["attached_to"] or "").partition("_")[0]
    return FileToCheck(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        content_id=row["content_id"],
        passing=row["attached_to"] is None or attached in prefixes,
        own=bool(row["own"]),
        beside=tuple(row["beside"] or ()),
    )


async def mentions(store: FileStore, company: CompanyRef, file: FileToCheck, scrubber: Scrubber) -> bool:
    """Whether the content must go: it hangs on the person, or it is a copy in which they stand.

    A PDF cannot be searched: one that is a copy goes, since it can be made anew, unless the same was written
    in a form that can be searched and has nothing of the person.
    """
    if file.content_id is None or file.own:
        return file.own
    if not file.passing:
        return False
    if file.kind == "PDF":
        return not file.beside
    try:
        async with store.local_path(company, file.content_id) as path:
            search = _package_mentions if file.kind in _PACKAGES else _text_mentions
            return await asyncio.to_thread(search, path, scrubber)
    except FileMissing:
        return False


def _text_mentions(path: Path, scrubber: Scrubber) -> bool:
    """By pieces that overlap, so that a file of any size takes little memory."""
    with path.open("rb") as file:
        before = b""
        while piece := file.read(_PIECE):
            if _found(before + piece, scrubber):
                return True
            before = piece[-_OVERLAP:]
    return False


def _found(content: bytes, scrubber: Scrubber) -> bool:
    return any(scrubber.finds(content.decode(encoding, "ignore")) for encoding in _ENCODINGS)


def _package_mentions(path: Path, scrubber: Scrubber) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            for part in package.infolist():
                with package.open(part) as opened:
                    text = opened.read(_LARGEST_PART).decode("utf-8", "ignore")
                if scrubber.finds(unescape(text)):
                    return True
    except (zipfile.BadZipFile, NotImplementedError, OSError):
        return True  # what cannot be read cannot be cleared of it
    return False


async def remove_content(store: FileStore, company: CompanyRef, file: FileToCheck) -> None:
    """Delete the bytes; done before the record says so, since a crash in between repeats it and harms nothing."""
    if file.content_id is not None:
        await store.delete(company, file.content_id)


async def note_removed(write: TenantWrite, file: FileToCheck, *, clock: Clock) -> None:
    """Note that a file is no more: its record stays, empty and archived."""
    ending = file.name.rpartition(".")[2].lower() if "." in file.name else ""
    await write.fetch(_EMPTY, file.id, f"{MARK}.{ending}" if ending else MARK, clock.now())


async def rename(write: TenantWrite, file: FileToCheck, scrubber: Scrubber, *, clock: Clock) -> bool:
    """Take the person's values out of a file's name; whether there were any."""
    name = scrubber.text(file.name)
    if name == file.name:
        return False
    await write.fetch(_RENAME, file.id, name, clock.now())
    return True
