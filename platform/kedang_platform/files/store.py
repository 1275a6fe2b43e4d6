"""The port behind which the bytes of files lie: a folder here, an object store elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from kedang_platform.database import CompanyRef


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Content as it was stored: its id in the store, how many bytes, and their SHA-256 in hex."""

    content_id: UUID
    size: int
    sha256: str


class FileStore(Protocol):
    """Keeps contents, each written once under an id of its own; no company reaches another's.

    A content that no record names is rubbish and nothing else: it is written before the transaction
    that names it, and deleted after the one that forgets it.
    """

    async def put(
        self, company: CompanyRef, chunks: AsyncIterable[bytes], *, content_id: UUID | None = None
    ) -> StoredFile:
        """Store the chunks; on return they survive a crash, after any exception nothing of them is left.

        ``content_id`` is given where a content comes from another installation, and must be new here.
        """
        ...

    def open(self, company: CompanyRef, content_id: UUID) -> AsyncIterator[bytes]:
        """The content in pieces; raises ``FileMissing`` at the first of them."""
        ...

    async def size(self, company: CompanyRef, content_id: UUID) -> int:
        """Bytes of the content; raises ``FileMissing``."""
        ...

    async def delete(self, company: CompanyRef, content_id: UUID) -> None:
        """Forget the content; nothing happens when it is not there."""
        ...

    async def old_contents(
        self, company: CompanyRef, *, before: datetime, after: UUID | None = None, limit: int
    ) -> list[UUID]:
        """Contents of the company that were written ``before``, in the order of their ids, those behind ``after``.

        Fewer than ``limit`` are the last of them.
        """
        ...

    async def forget_unfinished(self, company: CompanyRef, *, before: datetime) -> int:
        """Forget what whoever was storing it ``before`` never finished; returns how many."""
        ...

    async def delete_all(self, company: CompanyRef) -> None:
        """Forget every content of the company, and that there was one."""
        ...

    def local_path(self, company: CompanyRef, content_id: UUID) -> AbstractAsyncContextManager[Path]:
        """The content as a local file, for readers that seek; not to be changed, gone or not after the block."""
        ...
