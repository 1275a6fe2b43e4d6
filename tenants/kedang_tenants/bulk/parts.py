"""The file of an export in the making: parts of it, stored one after the other, joined at the end.

A part is stored before the step that names it in the job's checkpoint. A worker that dies between
the two leaves a content that nothing names, and the next one writes these lines again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from kedang_platform.database import CompanyRef
from kedang_platform.files import FileStore, StoredFile


async def store_part(files: FileStore, company: CompanyRef, lines: Sequence[bytes]) -> UUID:
    """Store some lines; returns the id of the content."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(lines), _LINES):
            yield b"".join(lines[start : start + _LINES])

    return (await files.put(company, chunks())).content_id


async def join_parts(files: FileStore, company: CompanyRef, parts: Sequence[UUID]) -> StoredFile:
    """Store all parts as one content; they stay until ``forget_parts``."""

    async def chunks() -> AsyncIterator[bytes]:
        for part in parts:
            async for chunk in files.open(company, part):
                yield chunk

    return await files.put(company, chunks())


async def forget_parts(files: FileStore, company: CompanyRef, parts: Sequence[UUID]) -> None:
    for part in parts:
        await files.delete(company, part)


_LINES = 1_000
