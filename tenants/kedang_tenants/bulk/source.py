"""The lines of an imported file, some at a time, from where an earlier worker left off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from kedang_tenants.bulk.errors import LONGEST_LINE, MOST_LINES, too_many_lines

CHUNK_LINES: Final = 500
CHUNK_BYTES: Final = 2 * 1024 * 1024
_MARK: Final = b"\xef\xbb\xbf"
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file we are: bytes from its beginning, and lines gone by."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines by their number (from 1; empty ones are left out) and the place behind them; None is one too long."""

    lines: list[tuple[int, bytes | None]]
    behind: Place


def read_chunk(path: Path, place: Place) -> Chunk:
    """The next lines; none at the end of the file."""
    lines: list[tuple[int, bytes | None]] = []
    size, number = 0, place.line
    with path.open("rb") as stream:
        stream.seek(place.offset)
        while len(lines) < CHUNK_LINES and size < CHUNK_BYTES:
            raw = stream.readline(LONGEST_LINE + 1)
            if not raw:
                break
            number += 1
            if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                _pass_over(stream)
                lines.append((number, None))
                continue
            if number == 1:
                raw = raw.removeprefix(_MARK)
            size += len(raw)
            if raw.strip():
                lines.append((number, raw))
        return Chunk(lines, Place(stream.tell(), number))


def _pass_over(stream: BinaryIO) -> None:
    while piece := stream.readline(_PIECE):
        if piece.endswith(b"\n"):
            return


def count_lines(path: Path) -> int:
    """How many lines are to be dealt with; raises TooManyLines."""
    total, place = 0, Place()
    while (chunk := read_chunk(path, place)).behind != place:
        total += len(chunk.lines)
        place = chunk.behind
        if total > MOST_LINES:
            raise too_many_lines()
    return total
