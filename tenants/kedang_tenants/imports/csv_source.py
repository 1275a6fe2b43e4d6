"""CSV as people have it: any common delimiter, quoted cells with line breaks, broken rows in between."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from kedang_platform.errors import UserError
from kedang_tenants.imports.encodings import recognise_encoding
from kedang_tenants.imports.errors import (
    MAX_CELL_CHARACTERS,
    broken_quotes,
    broken_row,
    cell_too_long,
    empty_file,
    formula_cell,
)
from kedang_tenants.imports.neutral import as_read, is_formula
from kedang_tenants.imports.source import NO_FAULTS, Format, SourceRow, name_columns

DELIMITERS = (",", ";", "\t", "|")
MAX_LINE_CHARACTERS = 1_000_000
MAX_LINES_OF_A_ROW = 500
"""A quotation mark that is never closed would otherwise swallow the rest of the file."""


class CsvSource:
    """A CSV file (RFC 4180, with other delimiters). Its encoding and delimiter are found out by looking."""

    format: Format = "CSV"

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._stream: TextIO | None = None
        self.encoding: str | None = encoding
        with self._reopen() as stream:
            header_line, self.delimiter = _find_delimiter(stream)
        self._header_line = header_line
        header = next(self._records(), None)
        self.close()
        if header is None:
            raise empty_file()
        self.columns = name_columns(header.cells)

    @classmethod
    def open(cls, path: Path) -> CsvSource:
        """Raises WrongEncoding, EmptyFile or TooManyColumns."""
        return cls(path, recognise_encoding(path))

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def rows(self) -> Iterator[SourceRow]:
        records = self._records()
        next(records)
        for record in records:
            yield record if record.problem else self._checked(record)

    def _checked(self, record: SourceRow) -> SourceRow:
        """The row with as many cells as columns, formulas found; broken when it cannot have them."""
        width = len(self.columns)
        cells = record.cells
        if len(cells) != width:
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                return SourceRow(record.line, cells, broken_row(len(cells), width))
            cells = cells[:width]
        suspects = [
            i for i, cell in enumerate(cells) if cell[:1] in ("=", "'") or len(cell) > MAX_CELL_CHARACTERS
        ]
        if not suspects:
            return SourceRow(record.line, cells)
        return _with_suspects(record.line, list(cells), suspects)

    def _records(self) -> Iterator[SourceRow]:
        """Every record that is not blank, the header first; after a broken one reading goes on at the next line."""
        self.close()
        self._stream = self._reopen()
        lines = _Lines(self._stream)
        if self._header_line > 1:
            for _ in range(self._header_line - 1):
                next(lines, None)
        while True:
            lines.begin()
            reader = csv.reader(lines, delimiter=str(self.delimiter), strict=True)
            for record in _read(reader, lines):
                if record.problem is not None or any(cell.strip() for cell in record.cells):
                    yield record
                if record.problem is not None:
                    break
            else:
                return
            lines.back_to_second()

    def _reopen(self) -> TextIO:
        return self._path.open(encoding=self.encoding, newline="")


class _Lines:
    """The physical lines of a file, with those of the record at hand kept, so that a broken one can be left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: list[str] = []
        self._taken: list[str] = []
        self.first = 1
        """The number of the line at which the record at hand begins."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MAX_LINES_OF_A_ROW:
            raise csv.Error("too many lines")
        line = self._again.pop() if self._again else self._read_line()
        if not line:
            raise StopIteration
        self._taken.append(line)
        return line

    def _read_line(self) -> str:
        line = rest = self._stream.readline(MAX_LINE_CHARACTERS)
        while len(rest) == MAX_LINE_CHARACTERS and rest[-1] not in "\r\n":
            # No row is as long as this: the rest of the line is passed over, its row comes out broken.
            rest = self._stream.readline(MAX_LINE_CHARACTERS)
        return line

    def begin(self) -> None:
        """The record at hand is done with; the next line begins another."""
        self.first += len(self._taken)
        self._taken.clear()

    def back_to_second(self) -> None:
        """Only the first line of the record at hand is done with; the others are read again."""
        self._again.extend(reversed(self._taken[1:]))
        del self._taken[1:]

    @property
    def text(self) -> str:
        return self._taken[0].rstrip("\r\n") if self._taken else ""

    @property
    def several(self) -> bool:
        return len(self._taken) > 1


def _read(reader: Iterator[list[str]], lines: _Lines) -> Iterator[SourceRow]:
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield SourceRow(lines.first, (lines.text[:MAX_CELL_CHARACTERS],), _reason(error, lines))
            return
        if cells is None:
            return
        yield SourceRow(lines.first, cells)
        lines.begin()


def _reason(error: csv.Error, lines: _Lines) -> UserError:
    return cell_too_long() if "field larger" in str(error) and not lines.several else broken_quotes()


def _with_suspects(line: int, cells: list[str], suspects: list[int]) -> SourceRow:
    faults: dict[int, UserError] = {}
    for position in suspects:
        cell = cells[position]
        if len(cell) > MAX_CELL_CHARACTERS:
            faults[position] = cell_too_long()
        elif is_formula(cell):
            faults[position] = formula_cell()
        else:
            cells[position] = as_read(cell)
    return SourceRow(line, cells, faults=faults or NO_FAULTS)


def _find_delimiter(stream: TextIO) -> tuple[int, str]:
    """The line of the header, and the delimiter that stands most often in it outside of quotation marks.

    A first line ``sep=;`` names it, as spreadsheets write it.
    """
    line = 1
    while text := stream.readline(MAX_LINE_CHARACTERS):
        if text[:4].lower() == "sep=" and len(text.strip()) <= 5:
            return line + 1, text[4:5] if text[4:5] in DELIMITERS else ","
        if text.strip():
            break
        line += 1
    outside = "".join(text.split('"')[::2])
    return line, max(DELIMITERS, key=outside.count)
