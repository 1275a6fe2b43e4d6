"""PDF: a template of ours set by Typst; what people wrote enters as data and is never read as markup."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, Literal

from kedang_platform.documents import FOLDER, typeset
from kedang_platform.i18n import translate
from kedang_platform.money import to_amount
from kedang_tenants.reports.document import Column, Document, Sheet, Value, rows_of
from kedang_tenants.reports.writers.chart import draw
from kedang_tenants.reports.writers.colours import ink_on

MOST_ROWS: Final = 400
"""Rows of a long table that are printed; how many more there are is said below it."""
WIDE, LONG_AND_WIDE = 10, 7
"""From so many columns on a table, and a long one, is printed across the page."""
_TEMPLATE: Final = Path(__file__).parent / "report.typ"


def write(document: Document, folder: Path, target: Path) -> None:
    """Write the PDF. Raises FontsMissing."""
    target.write_bytes(compiled(document, folder, file_format="pdf")[0])


def compiled(document: Document, folder: Path, *, file_format: Literal["pdf", "png"]) -> list[bytes]:
    """The pages as PDF (one file) or PNG (one a page). Raises FontsMissing."""
    for number, chart in enumerate(document.charts):
        (folder / f"chart-{number}.svg").write_text(draw(chart, FOLDER), encoding="utf-8")
    return typeset(_TEMPLATE, folder, _printed(document, folder), file_format=file_format)


def _printed(document: Document, folder: Path) -> dict[str, Any]:
    """All texts as they are printed; the template only sets them.

    Where nothing is drawn and the first table lies across its page, the first page does, too: it would
    hold little but the title otherwise.
    """
    sections = _sections([_table(document, sheet, folder) for sheet in document.sheets])
    return {
        "wide": not document.charts and bool(sections) and sections[0]["wide"],
        "title": document.title,
        "company": document.company,
        "lang": document.language.partition("-")[0],
        "region": document.language.partition("-")[2] or None,
        "facts": document.facts,
        "notes": document.notes,
        "page": document.words.page,
        "charts": [
            {"title": chart.title, "file": f"chart-{number}.svg"}
            for number, chart in enumerate(document.charts)
        ],
        "sections": sections,
    }


def _sections(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tables that follow each other on paper of the same direction."""
    return [
        {"wide": wide, "sheets": list(together)}
        for wide, together in groupby(tables, key=lambda table: bool(table["wide"]))
    ]


def _table(document: Document, sheet: Sheet, folder: Path) -> dict[str, Any]:
    most = MOST_ROWS if sheet.long else sheet.count
    rows = [_cells(document, sheet, row) for row in islice(rows_of(sheet, folder), most)]
    more = translate(document.words.more, "en", {"count": f"{sheet.count - most:,}"})
    return {
        "title": sheet.title,
        "wide": len(sheet.columns) >= (LONG_AND_WIDE if sheet.long else WIDE),
        "columns": [asdict(column) | {"right": is_right(column)} for column in sheet.columns],
        "rows": rows,
        "totals": _cells(document, sheet, list(sheet.totals)) if sheet.totals else None,
        "note": more if sheet.count > most else sheet.note,
    }


def is_right(column: Column) -> bool:
    """Whether a column is set to the right."""
    return column.kind not in {"TEXT", "LEVEL", "DAY"}


def _cells(document: Document, sheet: Sheet, row: list[Value]) -> list[dict[str, str]]:
    return [_cell(document, column, value) for column, value in zip(sheet.columns, row, strict=True)]


def _cell(document: Document, column: Column, value: Value) -> dict[str, str]:
    text = printed(column, value)
    colour = document.colours.get(text) if column.kind == "LEVEL" else None
    return {"text": text, "fill": colour, "ink": ink_on(colour)} if colour else {"text": text}


def printed(column: Column, value: Value) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    match column.kind:
        case "MONEY" if isinstance(value, int) and column.currency:
            return f"{to_amount(minor=value, currency=column.currency):,}"
        case "SHARE":
            return f"{value:.1%}"
        case "NUMBER":
            return f"{value:,.2f}"
    return f"{value:,}"
