"""The rows of an XLSX workbook's first visible sheet, as a stream of text.

Numbers come without a ``.0``, days as ISO dates. A formula is told, never evaluated and never
replaced by the value that some program once stored for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from kedang_platform.errors import UserError
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.imports.errors import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    cell_too_long,
    empty_file,
    formula_cell,
    impossible_date,
    unknown_format,
)
from kedang_tenants.imports.source import NO_FAULTS, Format, SourceRow, name_columns
from kedang_tenants.imports.xlsx_package import TextCollector, Workbook, local_name, open_workbook, parse

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a day of the calendar, not an instant
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - as above
_LAST_SERIAL = 2_958_466
"""The day after 9999-12-31."""
_LAST_LINE = 10_000_000
_LEAP_BUG = 60
"""Serial 60 is the 29th of February 1900, which never was; before it serials are one day behind."""


class XlsxSource:
    format: Format = "XLSX"
    encoding: str | None = None
    delimiter: str | None = None

    def __init__(self, archive: ZipFile, workbook: Workbook) -> None:
        self._archive = archive
        self._workbook = workbook
        header = next(self._records(), None)
        if header is None:
            raise empty_file()
        self.columns = name_columns(header.cells)

    @classmethod
    def open(cls, path: Path) -> XlsxSource:
        """Raises UnknownFormat, FileTooLarge, EmptyFile or TooManyColumns."""
        try:
            archive = ZipFile(path)
        except (BadZipFile, OSError, ValueError, NotImplementedError):
            raise unknown_format() from None
        try:
            return cls(archive, open_workbook(archive))
        except ValueError:
            archive.close()
            raise unknown_format() from None
        except BaseException:
            archive.close()
            raise

    def close(self) -> None:
        self._archive.close()

    def rows(self) -> Iterator[SourceRow]:
        width = len(self.columns)
        records = self._records()
        next(records)
        for record in records:
            cells = list(record.cells[:width])
            cells.extend([""] * (width - len(cells)))
            faults = record.faults
            if faults:
                faults = {i: fault for i, fault in faults.items() if i < width}
            yield SourceRow(record.line, cells, faults=faults or NO_FAULTS)

    def _records(self) -> Iterator[SourceRow]:
        reader = _RowReader(self._workbook)
        for _ in parse(self._archive, self._workbook.sheet, reader.parser):
            yield from reader.take()


class _RowReader:
    """Turns the elements of a sheet (``row``, ``c``, ``v``, ``f``, ``is``) into rows."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._epoch = _EPOCH_1904 if workbook.since_1904 else _EPOCH
        self._rows: list[SourceRow] = []
        self._line = 0
        self._cells: list[str] = []
        self._faults: dict[int, UserError] = {}
        self._position = 0
        self._type = "n"
        self._style = 0
        self._formula = False
        self._value: list[str] | None = None
        self._length = 0
        self._inline: TextCollector | None = None
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def take(self) -> list[SourceRow]:
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, given: dict[str, str]) -> None:
        name = local_name(name)
        if name == "c":
            reference = given.get("r")
            self._position = _position(reference) if reference else self._position + 1
            self._type = given.get("t", "n")
            self._style = int(given.get("s", "0"))
            self._formula = False
            self._value = None
        elif name == "v":
            self._value, self._length = [], 0
        elif name == "row":
            self._begin_row(int(given["r"]) if "r" in given else self._line + 1)
        elif name == "f":
            self._formula = True
        elif name == "is":
            self._inline = TextCollector()
        elif self._inline is not None:
            self._inline.start(name)

    def _begin_row(self, line: int) -> None:
        """Rows stand in their order (18.3.1.73); a checkpoint could not hold if they did not."""
        if not self._line < line <= _LAST_LINE:
            raise unknown_format()
        self._line = line
        self._cells, self._faults, self._position = [], {}, -1

    def _text(self, data: str) -> None:
        if self._inline is not None:
            self._inline.text(data)
        elif self._value is not None and self._length <= MAX_CELL_CHARACTERS:
            self._value.append(data)
            self._length += len(data)

    def _end(self, name: str) -> None:
        name = local_name(name)
        if name == "c":
            self._end_cell()
        elif name == "row":
            if self._faults or any(cell.strip() for cell in self._cells):
                self._rows.append(SourceRow(self._line, self._cells, faults=self._faults or NO_FAULTS))
        elif name == "is" and self._inline is not None:
            self._value, self._type = [self._inline.take()], "inlineStr"
            self._inline = None
        elif self._inline is not None:
            self._inline.end(name)

    def _end_cell(self) -> None:
        position = self._position
        raw = "".join(self._value) if self._value is not None else ""
        self._value = None
        if position > MAX_COLUMNS or not (raw or self._formula):
            return
        if self._formula or self._type == "e":
            self._faults[position] = formula_cell()
            text = raw
        else:
            text = self._meaning(raw, position)
        if len(text) > MAX_CELL_CHARACTERS:
            self._faults[position] = cell_too_long()
        missing = position - len(self._cells)
        if missing > 0:
            self._cells.extend([""] * missing)
        if missing < 0:
            self._cells[position] = text
        else:
            self._cells.append(text)

    def _meaning(self, raw: str, position: int) -> str:
        kind = self._type
        if kind == "s":
            index = int(raw)
            if not 0 <= index < len(self._workbook.strings):
                raise unknown_format()
            return self._workbook.strings[index]
        if kind == "n":
            if self._style not in self._workbook.date_styles:
                return _number(raw)
            day = _day(float(raw), self._epoch)
            if day is None:
                self._faults[position] = impossible_date()
            return day or raw
        if kind == "b":
            return "true" if raw.strip() == "1" else "false"
        if kind == "d":
            return raw.removesuffix("T00:00:00").removesuffix("T00:00:00Z")
        return raw


def _position(reference: str) -> int:
    """The column of a cell reference, counted from 0: ``C7`` is 2."""
    number = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    if number == 0:
        raise unknown_format()
    return number - 1


def _number(raw: str) -> str:
    """A number as a person would write it; binary remains of decimal fractions are rounded away (15 digits)."""
    if raw.isdigit():
        return raw
    number = float(raw)
    return decimal_text(Decimal(format(number, ".15g"))) if isfinite(number) else raw


def _day(serial: float, epoch: datetime) -> str | None:
    """The ISO date, or date and time, of a serial number; None when the calendar has no such day."""
    if not 0 < serial < _LAST_SERIAL or (epoch is _EPOCH and int(serial) == _LEAP_BUG):
        return None
    if epoch is _EPOCH and serial < _LEAP_BUG:
        serial += 1
    try:
        moment: Any = epoch + timedelta(seconds=round(serial * 86_400))
    except OverflowError:
        return None
    return str(moment.date()) if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else str(moment)
