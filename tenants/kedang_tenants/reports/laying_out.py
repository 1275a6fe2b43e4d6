"""Sheets and documents in few words, for kinds of reports that are a handful of tables and a chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, ColumnKind, Document, Sheet, Value
from kedang_tenants.reports.spool import Rows, Spool
from kedang_tenants.trade import facts

BLUE, GREEN, AMBER, RED, GREY = "#2563eb", "#2e9e6b", "#e0a526", "#d64545", "#9aa5b1"


def column(
    asked: Asked,
    label: str,
    kind: ColumnKind = "TEXT",
    width: int = 12,
    *,
    currency: str | None = None,
    **params: object,
) -> Column:
    """A column whose label is a msgid."""
    if kind == "MONEY":
        currency = currency or asked.viewer.currency
        params = {"currency": currency, **params}
        width = max(width, 16)
    return Column(asked.text(label, **params), kind, width, currency)


def table(
    asked: Asked,
    spool: Spool,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[list[Value]],
    *,
    totals: Sequence[Value] | None = None,
    main: bool = False,
) -> Sheet:
    """A short sheet with all its rows; ``title`` is a msgid."""
    filled = spool.table(rows)
    return listed(asked, filled, title, columns, totals=totals, main=main, long=False)


def listed(
    asked: Asked,
    rows: Rows,
    title: str,
    columns: Sequence[Column],
    *,
    totals: Sequence[Value] | None = None,
    main: bool = True,
    long: bool = True,
) -> Sheet:
    """The sheet of rows that were filled before, however many."""
    last = tuple(totals) if totals is not None else None
    return Sheet(asked.text(title), tuple(columns), rows.name, rows.count, last, main=main, long=long)


def document(
    asked: Asked,
    title: str,
    sheets: Sequence[Sheet],
    *,
    charts: Sequence[Chart] = (),
    notes: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    colours: Mapping[str, str] | None = None,
) -> Document:
    """The whole report; ``title`` and ``notes`` are msgids without parameters."""
    return Document(
        title=asked.text(title),
        company=asked.company,
        language=asked.language,
        facts=asking.facts_of(asked, *facts),
        notes=tuple(asked.text(note) for note in notes),
        sheets=tuple(sheets),
        charts=tuple(chart for chart in charts if chart.categories),
        words=asking.words(asked),
        colours=colours or {},
    )


def share(part: float, whole: float) -> float | None:
    """A fraction of 1; unknown where there is nothing to share."""
    return round(part / whole, 6) if whole else None


def sold(statement: Statement, viewer: Viewer, alias: str = "o") -> str:
    """The condition that an order counts as a sale and that the viewer may read it."""
    scope = viewer.on("order").read
    seen = asking.within(statement, viewer, "order", alias, scope)
    return f"{facts.sold(alias)} AND {seen}"
