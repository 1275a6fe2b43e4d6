"""CSV: the main table of a report and nothing else, so that programs read it as it is."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from kedang_platform.money import to_amount
from kedang_tenants.imports.neutral import as_written
from kedang_tenants.reports.document import Column, Document, Value, rows_of

MARK: Final = "utf-8-sig"
"""With its mark, so that spreadsheets recognise it."""


def write(document: Document, folder: Path, target: Path) -> None:
    """Write UTF-8 in which no cell starts a formula; shares are fractions, amounts in major units."""
    sheet = document.main
    with target.open("w", encoding=MARK, newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([as_written(column.label) for column in sheet.columns])
        for row in rows_of(sheet, folder):
            cells = zip(sheet.columns, row, strict=True)
            writer.writerow([as_written(text_of(column, value)) for column, value in cells])


def text_of(column: Column, value: Value) -> str:
    """A value as a program reads it."""
    if value is None:
        return ""
    if column.kind == "MONEY" and isinstance(value, int) and column.currency:
        return str(to_amount(minor=value, currency=column.currency))
    if isinstance(value, float):
        return f"{value:.6f}"  # never in powers of ten
    return str(value)
