"""Where the rows of a report are gathered while it is worked out: files of a folder, written as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeAlias

import orjson

from kedang_tenants.reports.document import Value

Tell: TypeAlias = Callable[[int, int | None], Awaitable[None]]
"""Is told how many rows there are so far, and of how many where that is known; may raise to end the work."""
_BATCH: Final = 1_000


class Spool:
    """The rows of all sheets; ``tell`` hears of every thousand of them."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder = folder
        self.done = 0
        self.total: int | None = None
        self._tell = tell
        self._sheets = 0

    def sheet(self) -> Rows:
        """A new sheet, to be filled inside a ``with`` block."""
        self._sheets += 1
        return Rows(self, f"rows-{self._sheets}.jsonl")

    def table(self, rows: Iterable[list[Value]]) -> Rows:
        """A short sheet with all its rows."""
        with self.sheet() as sheet:
            for row in rows:
                sheet.add(row)
        return sheet

    async def told(self, rows: int) -> None:
        """So many rows more were gone through."""
        before = self.done // _BATCH
        self.done += rows
        if self.done // _BATCH != before:
            await self._tell(self.done, self.total)


class Rows:
    """The rows of one sheet; ``name`` is that of their file, ``count`` how many there are."""

    def __init__(self, spool: Spool, name: str) -> None:
        self.name = name
        self.count = 0
        self._path = spool.folder / name
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._stream = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        self._stream.close()

    def add(self, row: list[Value]) -> None:
        assert self._stream is not None
        self._stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        self.count += 1
