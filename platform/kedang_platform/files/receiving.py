"""Taking a file in: its size is checked while it streams, its kind by its first bytes and at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from kedang_platform.database import CompanyRef
from kedang_platform.files.errors import FileIncomplete, FileTooLarge
from kedang_platform.files.kinds import HEAD, FileKind, check_beginning, check_whole
from kedang_platform.files.store import FileStore, StoredFile
from kedang_platform.i18n import msg

LARGEST_FILE: Final = 100_000_000
"""A file must have fewer bytes than this."""


async def receive(
    store: FileStore, *, company: CompanyRef, chunks: AsyncIterable[bytes], kind: FileKind, size: int
) -> StoredFile:
    """Store a file of exactly ``size`` bytes of this kind.

    Raises ``FileTooLarge`` as soon as there are more, ``FileIncomplete`` when there were fewer, and
    ``FileKindRefused``; then nothing is left of it.
    """
    stored = await store.put(company, _checked(chunks, kind, size))
    try:
        async with store.local_path(company, stored.content_id) as path:
            await asyncio.to_thread(check_whole, kind, path)
    except BaseException:
        await store.delete(company, stored.content_id)
        raise
    return stored


async def _checked(chunks: AsyncIterable[bytes], kind: FileKind, size: int) -> AsyncIterator[bytes]:
    seen = 0
    head = b""
    async for chunk in chunks:
        seen += len(chunk)
        if seen > size:
            raise FileTooLarge(msg("The file has more than the {size} bytes that were announced."), size=size)
        if len(head) < HEAD:
            head = (head + chunk)[:HEAD]
            if len(head) == HEAD:
                check_beginning(kind, head)
        yield chunk
    if seen < size:
        raise FileIncomplete(msg("Only {seen} of {size} bytes have arrived."), seen=seen, size=size)
    check_beginning(kind, head)
