"""Tables as files for spreadsheets: CSV and XLSX, with nothing in them that would run (design 7)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import xlsxwriter

from kedang_tenants.imports.neutral import as_written
from kedang_tenants.imports.source import Format

_EXACT_DIGITS = 15
"""A number in a spreadsheet is a binary fraction: what has more digits is written as text."""
_FIRST_DAY = date(1900, 3, 1)
"""Before it spreadsheets disagree about the calendar."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: its text, and the value where a spreadsheet has a type for it."""

    text: str
    value: Decimal | int | date | None = None


class TableWriter(Protocol):
    def write(self, cells: Sequence[Cell]) -> None: ...

    def close(self) -> None: ...


def open_writer(path: Path, *, file_format: Format) -> TableWriter:
    return CsvWriter(path) if file_format == "CSV" else XlsxWriter(path)


class CsvWriter:
    """UTF-8 with its mark, so that spreadsheets recognise it; formulas are neutralised."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._stream)

    def write(self, cells: Sequence[Cell]) -> None:
        self._writer.writerow([as_written(cell.text) for cell in cells])

    def close(self) -> None:
        self._stream.close()


class XlsxWriter:
    """One sheet, written row by row; no text of it becomes a formula or a link."""

    def __init__(self, path: Path) -> None:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book: Any = xlsxwriter.Workbook(path, options)
        self._sheet = self._book.add_worksheet()
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._row = 0

    def write(self, cells: Sequence[Cell]) -> None:
        for column, cell in enumerate(cells):
            match cell.value:
                case date() as day if day >= _FIRST_DAY:
                    self._sheet.write_datetime(self._row, column, day, self._day)
                case Decimal() | int() as number if _fits(number):
                    self._sheet.write_number(self._row, column, number)
                case _ if cell.text:
                    self._sheet.write_string(self._row, column, cell.text)
        self._row += 1

    def close(self) -> None:
        self._book.close()


def _fits(number: Decimal | int) -> bool:
    return len(Decimal(number).normalize().as_tuple().digits) <= _EXACT_DIGITS
