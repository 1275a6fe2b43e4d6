"""A file of rows, whatever its format: its header, and its rows one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from kedang_platform.errors import UserError
from kedang_platform.files import LARGEST_FILE
from kedang_tenants.imports.errors import (
    MAX_COLUMNS,
    empty_file,
    file_too_large,
    too_many_columns,
    unknown_format,
)

Format = Literal["CSV", "XLSX"]
NO_FAULTS: Mapping[int, UserError] = MappingProxyType({})

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
"""Old spreadsheets, and new ones under a password."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a file as text, with the number by which a person finds it there.

    ``problem`` says why the row cannot be read at all; ``faults`` why single cells cannot, by their
    position. There are as many cells as columns unless ``problem`` is set.
    """

    line: int
    cells: Sequence[str]
    problem: UserError | None = None
    faults: Mapping[int, UserError] = field(default_factory=lambda: NO_FAULTS)


class Source(Protocol):
    """An opened file. Reading it raises the errors of a whole file at the place where they stand."""

    columns: tuple[str, ...]

    @property
    def format(self) -> Format: ...

    @property
    def encoding(self) -> str | None:
        """Python's name of it; None where the format knows only one."""
        ...

    @property
    def delimiter(self) -> str | None: ...

    def rows(self) -> Iterator[SourceRow]:
        """The rows below the header from the first one on; empty rows are left out."""
        ...

    def close(self) -> None: ...


def open_source(path: Path) -> Source:
    """Open a file by what it contains, not by its name.

    Raises FileTooLarge, UnknownFormat, WrongEncoding, EmptyFile or TooManyColumns.
    """
    from kedang_tenants.imports.csv_source import CsvSource
    from kedang_tenants.imports.xlsx_source import XlsxSource

    if path.stat().st_size >= LARGEST_FILE:
        raise file_too_large()
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_OLE):
        raise unknown_format()
    return XlsxSource.open(path) if start.startswith(_ZIP) else CsvSource.open(path)


def name_columns(header: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns: as in the header, with ``#3`` for a blank one and ``Name (2)`` for a second."""
    cells = [" ".join(cell.split()) for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    if not cells:
        raise empty_file()
    if len(cells) > MAX_COLUMNS:
        raise too_many_columns()
    names: list[str] = []
    for position, cell in enumerate(cells, 1):
        name = cell[:200] or f"#{position}"
        count = 1
        while name in names:
            count += 1
            name = f"{cell[:200]} ({count})"
        names.append(name)
    return tuple(names)
