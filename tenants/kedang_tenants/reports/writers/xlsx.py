"""XLSX: a summary with charts of the spreadsheet's own, then a sheet a table; row by row, in little memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

import xlsxwriter

from kedang_platform.money import minor_digits, to_amount
from kedang_tenants.reports.document import Chart, Column, Document, Sheet, Value, rows_of
from kedang_tenants.reports.writers.colours import ink_on

_LARGEST: Final = 2**53
"""Numbers up to here are exact in a spreadsheet; what lies beyond is written as text."""
_MOST_ROWS: Final = 1_048_576
_FORBIDDEN: Final = str.maketrans("[]:*?/\\", "()．＊？／＼")
_LONGEST_NAME: Final = 31
_INK, _PAPER, _LINE, _MUTED = "#1f2933", "#eef2f7", "#cbd2d9", "#52606d"
_FONT: Final = {"font_name": "Arial", "font_size": 10, "font_color": _INK, "valign": "vcenter"}
_CHART_ROWS: Final = 18
_SHARE, _WHOLE, _BROKEN = "0.0%", "#,##0", "#,##0.00"
_FEW: Final = 10
"""Up to here spreadsheets draw an axis in steps of less than one."""

Put: TypeAlias = Callable[[Any, int, int, Value], object]
"""Writes a value into the row and column of a sheet."""


def write(document: Document, folder: Path, target: Path) -> None:
    """Write the workbook. No text of it becomes a formula or a link."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
        "tmpdir": str(folder),
    }
    book = xlsxwriter.Workbook(target, options)
    try:
        book.set_properties({"title": document.title, "company": document.company})
        _Workbook(book, document, folder).write()
    finally:
        book.close()


class _Workbook:
    """One workbook being written; formats are made once and shared by all sheets."""

    def __init__(self, book: Any, document: Document, folder: Path) -> None:
        self._book = book
        self._document = document
        self._folder = folder
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}
        self._names: set[str] = set()

    def write(self) -> None:
        self._summary()
        for sheet in self._document.sheets:
            self._sheet(sheet)

    def _format(self, **properties: object) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**_FONT, **properties})
        return self._formats[key]

    def _add(self, title: str) -> Any:
        """A sheet whose name is taken by no other, whatever case it is written in."""
        plain = title.translate(_FORBIDDEN).strip("'")[:_LONGEST_NAME] or "-"
        name, number = plain, 1
        while name.casefold() in self._names:
            number += 1
            ending = f" ({number})"
            name = plain[: _LONGEST_NAME - len(ending)] + ending
        self._names.add(name.casefold())
        sheet = self._book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    # The summary

    def _summary(self) -> None:
        document = self._document
        sheet = self._add(document.words.summary)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 24, 14)
        sheet.set_row(0, 30)
        sheet.write_string(0, 0, document.title, self._format(bold=True, font_size=18))
        sheet.write_string(1, 0, document.company, self._format(font_color=_MUTED, font_size=12))
        row = 3
        for label, value in document.facts:
            sheet.write_string(row, 0, label, self._format(font_color=_MUTED))
            sheet.write_string(row, 1, value, self._format())
            row += 1
        for note in document.notes:
            sheet.write_string(row, 0, note, self._format(italic=True, font_color=_MUTED))
            row += 1
        row += 1
        for chart in document.charts:
            row = self._chart(sheet, chart, row)

    def _chart(self, sheet: Any, chart: Chart, top: int) -> int:
        """The figures of a chart, and the chart over them; returns the row below both."""
        name = sheet.get_name()
        head = self._format(bold=True, bg_color=_PAPER, bottom=1, bottom_color=_LINE)
        sheet.write_string(top, 0, chart.title, self._format(bold=True, font_size=12))
        for column, series in enumerate(chart.series, start=1):
            sheet.write_string(top + 1, column, series.label, head)
        for number, category in enumerate(chart.categories):
            row = top + 2 + number
            sheet.write_string(row, 0, category, self._format())
            for column, series in enumerate(chart.series, start=1):
                if (value := series.values[number]) is not None:
                    shape = _SHARE if chart.percent else _WHOLE if value == int(value) else _BROKEN
                    sheet.write_number(row, column, value, self._format(num_format=shape))
        last = top + 1 + len(chart.categories)
        drawn = self._book.add_chart(
            {"type": "bar" if chart.lying else "column", **({"subtype": "stacked"} if chart.stacked else {})}
        )
        for column, series in enumerate(chart.series, start=1):
            drawn.add_series(
                {
                    "name": [name, top + 1, column],
                    "categories": [name, top + 2, 0, last, 0],
                    "values": [name, top + 2, column, last, column],
                    "fill": {"color": series.colour},
                    "points": [{"fill": {"color": colour}} for colour in chart.colours] or None,
                    "gap": 60,
                }
            )
        drawn.set_title({"name": chart.title, "name_font": {"size": 12, "color": _INK}})
        drawn.set_legend({"none": True} if len(chart.series) == 1 else {"position": "bottom"})
        if chart.lying:
            drawn.set_y_axis({"reverse": True})
        values = drawn.set_x_axis if chart.lying else drawn.set_y_axis
        values(
            {
                "name": chart.axis,
                "num_format": "0%" if chart.percent else "#,##0",
                "major_gridlines": {"visible": True, "line": {"color": _LINE, "width": 0.5}},
                "line": {"none": True},
                **_steps(chart),
            }
        )
        drawn.set_size({"width": 640, "height": 320})
        place = len(chart.series) + 2
        sheet.insert_chart(top, place, drawn)
        return max(last + 2, top + _CHART_ROWS)

    # Tables

    def _sheet(self, table: Sheet) -> None:
        sheet = self._begin(table)
        puts = [self._put(column) for column in table.columns]
        row = 0
        for values in rows_of(table, self._folder):
            row += 1
            if row == _MOST_ROWS:
                sheet, row = self._begin(table), 1
            for place, (put, value) in enumerate(zip(puts, values, strict=True)):
                if value is not None:
                    put(sheet, row, place, value)
        if table.totals is not None and row + 1 < _MOST_ROWS:
            self._totals(sheet, table, row + 1)
        if row:
            sheet.autofilter(0, 0, row, len(table.columns) - 1)

    def _begin(self, table: Sheet) -> Any:
        sheet = self._add(table.title)
        for place, column in enumerate(table.columns):
            sheet.set_column(place, place, max(column.width, min(2 * len(column.label), 20)))
        if len(table.columns) > 6:
            sheet.set_landscape()
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_row(0, 30)
        for place, column in enumerate(table.columns):
            align = "left" if column.kind in {"TEXT", "LEVEL", "DAY"} else "right"
            head = self._format(
                bold=True, bg_color=_PAPER, bottom=1, bottom_color=_LINE, text_wrap=True, align=align
            )
            sheet.write_string(0, place, column.label, head)
        return sheet

    def _totals(self, sheet: Any, table: Sheet, row: int) -> None:
        properties = {"bold": True, "top": 1, "top_color": _MUTED}
        for place, (column, value) in enumerate(zip(table.columns, table.totals or (), strict=True)):
            if value is None:
                sheet.write_blank(row, place, None, self._format(**properties))
            elif isinstance(value, str):
                sheet.write_string(row, place, value, self._format(**properties))
            else:
                self._put(column, **properties)(sheet, row, place, value)

    def _put(self, column: Column, **properties: object) -> Put:
        """How the values of a column are written."""
        match column.kind:
            case "LEVEL":
                return self._put_level(properties)
            case "DAY":
                return _put_day(self._format(num_format="yyyy-mm-dd", **properties))
            case "MONEY":
                assert column.currency
                digits = minor_digits(column.currency)
                places = f".{'0' * digits}" if digits else ""
                shape = f"#,##0{places};[Red]-#,##0{places}"
                return _put_money(self._format(num_format=shape, **properties), column.currency, digits)
            case "SHARE":
                return _put_number(self._format(num_format="0.0%", **properties))
            case "COUNT":
                return _put_number(self._format(num_format="#,##0", **properties))
            case "NUMBER":
                return _put_number(self._format(num_format="#,##0.00", **properties))
        return _put_text(self._format(**properties))

    def _put_level(self, properties: dict[str, object]) -> Put:
        formats = {
            code: self._format(
                bold=True, bg_color=colour, font_color=ink_on(colour), align="center", **properties
            )
            for code, colour in self._document.colours.items()
        }
        plain = self._format(**properties)

        def put(sheet: Any, row: int, place: int, value: Value) -> None:
            sheet.write_string(row, place, str(value), formats.get(str(value), plain))

        return put


def _steps(chart: Chart) -> dict[str, int]:
    """Whole steps for the axis of few things; of none at all it reaches from 0 to 1."""
    top = chart.few(_FEW)
    if top is None:
        return {}
    return {"major_unit": 1, **({"min": 0, "max": 1} if top == 1 else {})}


def _put_text(shape: Any) -> Put:
    def put(sheet: Any, row: int, place: int, value: Value) -> None:
        sheet.write_string(row, place, value, shape)

    return put


def _put_number(shape: Any) -> Put:
    def put(sheet: Any, row: int, place: int, value: Value) -> None:
        sheet.write_number(row, place, value, shape)

    return put


def _put_money(shape: Any, currency: str, digits: int) -> Put:
    unit = 10**digits

    def put(sheet: Any, row: int, place: int, value: Value) -> None:
        assert isinstance(value, int)
        if -_LARGEST < value < _LARGEST:
            sheet.write_number(row, place, value / unit, shape)
        else:
            sheet.write_string(row, place, str(to_amount(minor=value, currency=currency)), shape)

    return put


def _put_day(shape: Any) -> Put:
    def put(sheet: Any, row: int, place: int, value: Value) -> None:
        sheet.write_datetime(row, place, date.fromisoformat(str(value)), shape)

    return put
