"""Local files on their way into the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

_PIECE = 1 << 18


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a local file, piece by piece."""
    with path.open("rb") as stream:
        while piece := await asyncio.to_thread(stream.read, _PIECE):
            yield piece
