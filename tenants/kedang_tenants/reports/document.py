"""A report before it has a format: sheets of typed columns, totals, charts, and what has to be known of them.

The rows stand in files beside it, one a sheet and one JSON array a line, so that a report of any length
is written and read in little memory. Nothing here knows a kind of report or a format; a writer runs in
a process of its own and gets a folder with all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

ColumnKind: TypeAlias = Literal["TEXT", "LEVEL", "COUNT", "NUMBER", "SHARE", "MONEY", "DAY"]
Value: TypeAlias = str | int | float | None
"""Of ``TEXT`` and ``LEVEL`` a text, of ``COUNT`` a whole number, of ``NUMBER`` and ``SHARE`` (a fraction
of 1) a fraction, of ``MONEY`` minor units, of ``DAY`` an ISO date; None is unknown or does not apply."""
DOCUMENT = "document.json"


@dataclass(frozen=True, slots=True)
class Column:
    """``label`` is in the reader's language, ``width`` in characters; ``currency`` is that of money.

    ``place`` is where its value stands in a row, where that is not the column's own position.
    """

    label: str
    kind: ColumnKind = "TEXT"
    width: int = 12
    currency: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. ``rows`` names its file; ``totals`` is a last row that stands apart.

    The ``main`` sheet is the one that formats with a single table show; a ``long`` one may be cut off
    in formats that are read page by page.
    """

    title: str
    columns: tuple[Column, ...]
    rows: str
    count: int
    totals: tuple[Value, ...] | None = None
    note: str | None = None
    main: bool = False
    long: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one series, one a category."""

    label: str
    colour: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over categories: beside each other, or ``stacked``; ``percent`` values are fractions of 1.

    ``colours`` gives each category of a single series its own. ``lying`` bars leave room for long categories.
    """

    title: str
    axis: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    stacked: bool = False
    percent: bool = False
    lying: bool = False
    colours: tuple[str, ...] = ()

    def few(self, most: int) -> int | None:
        """The whole number, 1 at least, that the axis of few things reaches: no bar ends above ``most`` or below 0."""
        values = [value or 0 for series in self.series for value in series.values]
        bars = zip(*(series.values for series in self.series), strict=True)
        highest = (
            max((sum(filter(None, bar)) for bar in bars), default=0)
            if self.stacked
            else max(values, default=0)
        )
        return None if self.percent or min(values, default=0) < 0 or highest > most else max(1, ceil(highest))


@dataclass(frozen=True, slots=True)
class Words:
    """What writers say by themselves, in the reader's language."""

    summary: str
    total: str
    page: str
    more: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. ``facts`` say what it is about, ``notes`` what has to be known to read it.

    ``colours`` are those of levels, by what stands in columns of that kind.
    """

    title: str
    company: str
    language: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    charts: tuple[Chart, ...]
    words: Words
    colours: Mapping[str, str] = field(default_factory=dict)

    @property
    def main(self) -> Sheet:
        return next((sheet for sheet in self.sheets if sheet.main), self.sheets[0])


def save(document: Document, folder: Path) -> None:
    """Put it into the folder in which the rows of its sheets stand."""
    (folder / DOCUMENT).write_bytes(orjson.dumps(asdict(document)))


def load(folder: Path) -> Document:
    """What ``save`` put there."""
    stored = orjson.loads((folder / DOCUMENT).read_bytes())
    sheets = tuple(_sheet(sheet) for sheet in stored.pop("sheets"))
    charts = tuple(_chart(chart) for chart in stored.pop("charts"))
    words = Words(**stored.pop("words"))
    facts = tuple((label, value) for label, value in stored.pop("facts"))
    notes = tuple(stored.pop("notes"))
    return Document(**stored, facts=facts, notes=notes, sheets=sheets, charts=charts, words=words)


def _sheet(stored: dict[str, Any]) -> Sheet:
    columns = tuple(Column(**column) for column in stored.pop("columns"))
    totals = stored.pop("totals")
    return Sheet(**stored, columns=columns, totals=tuple(totals) if totals is not None else None)


def _chart(stored: dict[str, Any]) -> Chart:
    series = tuple(Series(one["label"], one["colour"], tuple(one["values"])) for one in stored.pop("series"))
    categories, colours = tuple(stored.pop("categories")), tuple(stored.pop("colours"))
    return Chart(**stored, categories=categories, colours=colours, series=series)


def rows_of(sheet: Sheet, folder: Path) -> Iterator[list[Value]]:
    """The rows of a sheet in their order, each with a value for every column."""
    with (folder / sheet.rows).open("rb") as stream:
        yield from arranged(sheet, (orjson.loads(line) for line in stream))


def arranged(sheet: Sheet, rows: Iterable[list[Value]]) -> Iterator[list[Value]]:
    """Rows as they were gathered, each with a value for every column of the sheet."""
    places = [n if column.place is None else column.place for n, column in enumerate(sheet.columns)]
    plain = places == list(range(len(places)))
    for row in rows:
        yield row if plain and len(row) == len(places) else _picked(row, places)


def _picked(row: Sequence[Value], places: Sequence[int]) -> list[Value]:
    return [row[place] if place < len(row) else None for place in places]
