"""An archive as a stream of bytes: a ZIP file that is never whole in memory nor on disk while it is made."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import IO

from typing_extensions import Buffer

_LEVEL = 1  # the text of tables shrinks to a tenth at the quickest level


@dataclass(frozen=True, slots=True)
class Packed:
    """What was put into an archive: bytes before compression, and their SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class _Tray(io.RawIOBase):
    """Where the ZIP file writes to; emptied again and again."""

    def __init__(self) -> None:
        self._filled = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: Buffer, /) -> int:
        before = len(self._filled)
        self._filled += piece
        return len(self._filled) - before

    def take(self) -> bytes:
        taken = bytes(self._filled)
        self._filled.clear()
        return taken


class ZipStream:
    """``add`` yields the bytes of the archive so far, ``end`` the last ones; ``packed`` tells what is in it."""

    def __init__(self) -> None:
        self._tray = _Tray()
        self._zip = zipfile.ZipFile(self._tray, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self.packed: list[Packed] = []

    async def add(
        self, path: str, pieces: AsyncIterable[bytes], *, packs: bool = True
    ) -> AsyncIterator[bytes]:
        """Put a file in; one that does not get smaller, a picture, is better not packed."""
        info = zipfile.ZipInfo(path)
        info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        size, digest = 0, hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as entry:
            async for piece in pieces:
                size += len(piece)
                await asyncio.to_thread(_write, entry, digest, piece)
                if filled := self._tray.take():
                    yield filled
        self.packed.append(Packed(path, size, digest.hexdigest()))
        yield self._tray.take()

    def end(self) -> bytes:
        self._zip.close()
        return self._tray.take()


def _write(entry: IO[bytes], digest: hashlib._Hash, piece: bytes) -> None:
    digest.update(piece)
    entry.write(piece)


async def one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content
