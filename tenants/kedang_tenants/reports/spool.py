"""Where the rows of a report are gathered while it is worked out: files of a folder, or the first ones in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeAlias

import orjson

from kedang_tenants.reports.document import Value

Tell: TypeAlias = Callable[[int, int | None], Awaitable[None]]
"""Is told how many rows there are so far, and of how many where that is known; may raise to end the work."""
_BATCH: Final = 1_000


class Spool(ABC):
    """The rows of all sheets; ``tell`` hears of every thousand of them."""

    def __init__(self, tell: Tell) -> None:
        self.done = 0
        self.total: int | None = None
        self._tell = tell

    @abstractmethod
    def sheet(self) -> Rows:
        """A new sheet, to be filled inside a ``with`` block."""

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


class Folder(Spool):
    """Rows that are written into files of a folder as they come, however many."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        super().__init__(tell)
        self.folder = folder
        self._sheets = 0

    def sheet(self) -> Rows:
        self._sheets += 1
        return _Written(self.folder, f"rows-{self._sheets}.jsonl")


class Glance(Spool):
    """The first ``most`` rows of each sheet, held in memory for somebody who waits for them."""

    def __init__(self, most: int) -> None:
        super().__init__(_nobody)
        self.held: dict[str, list[list[Value]]] = {}
        self._most = most

    def sheet(self) -> Rows:
        rows = _Held(f"rows-{len(self.held) + 1}", self._most)
        self.held[rows.name] = rows.rows
        return rows


async def _nobody(_done: int, _total: int | None) -> None:
    """Nobody is told how far it is."""


class Rows(ABC):
    """The rows of one sheet; ``name`` is that by which they are found again, ``count`` how many there are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, row: list[Value]) -> None:
        self._put(row)
        self.count += 1

    @abstractmethod
    def _put(self, row: list[Value]) -> None: ...


class _Written(Rows):
    """Rows that go into a file of a folder, whose name theirs is."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(name)
        self._path = folder / name
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._stream = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        self._stream.close()

    def _put(self, row: list[Value]) -> None:
        assert self._stream is not None
        self._stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


class _Held(Rows):
    """The first rows of a sheet, held in memory."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(name)
        self.rows: list[list[Value]] = []
        self._most = most

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def _put(self, row: list[Value]) -> None:
        if len(self.rows) < self._most:
            self.rows.append(row)
