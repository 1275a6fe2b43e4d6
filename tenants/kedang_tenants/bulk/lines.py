"""Rows become lines: JSON objects with the keys of the query, or the cells of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from kedang_tenants.bulk.questions import Level, Shown
from kedang_tenants.catalogue import (
    DecimalKind,
    DocumentKind,
    LocalisedKind,
    RecordType,
    ReferenceKind,
    catalogue,
)
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.imports.neutral import as_written
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.layout import Layout

PARENT = "__parentId"
Row = Any
Value = Callable[[Row], Any]


class LineWriter:
    """Turns the rows of one level into objects; made anew for each page, for its rows have a layout of their own."""

    def __init__(self, viewer: Viewer, level: Level, layout: Layout) -> None:
        self._own = {
            record: {f.id: f.key for f in viewer.custom_fields if f.record == record}
            for record in {f.record for f in viewer.custom_fields}
        }
        self._record = layout.record
        self._id = layout.id
        self._values = self._readers(level.shown, layout)

    def id_of(self, row: Row) -> str:
        """The public id of a row."""
        return _public(self._record, row[self._id])

    def line(self, row: Row, parent: str | None = None) -> dict[str, Any]:
        made = {key: value(row) for key, value in self._values}
        if parent is not None:
            made[PARENT] = parent
        return made

    def _readers(self, shown: Sequence[Shown], layout: Layout) -> list[tuple[str, Value]]:
        return [(one.key, self._reader(one, layout)) for one in shown]

    def _reader(self, one: Shown, layout: Layout) -> Value:
        match one.what:
            case "id":
                return _id_reader(layout)
            case "type":
                return lambda _: layout.record.api_name
            case "one":
                return self._related(one, layout.one[one.name])
        return self._field(layout.record, one.name, layout.fields[one.name])

    def _related(self, one: Shown, layout: Layout) -> Value:
        values = self._readers(one.inner, layout)
        place = layout.id
        return lambda row: None if row[place] is None else {key: value(row) for key, value in values}

    def _field(self, record: RecordType, name: str, place: int) -> Value:
        kind = record.fields[name].kind
        if name == "custom":
            keys = self._own.get(record.name, {})
            return lambda row: _own_fields(keys, row[place])
        if isinstance(kind, ReferenceKind):
            target = catalogue().record(kind.target)
            return lambda row: None if row[place] is None else _public(target, row[place])
        if isinstance(kind, DecimalKind):
            return lambda row: None if row[place] is None else decimal_text(row[place])
        if isinstance(kind, DocumentKind | LocalisedKind):
            return lambda row: None if row[place] is None else orjson.loads(row[place])
        return lambda row: row[place]


def _id_reader(layout: Layout) -> Value:
    return lambda row: _public(layout.record, row[layout.id])


def _public(record: RecordType, record_id: UUID) -> str:
    return f"{record.prefix}_{record_id.hex}"


def _own_fields(keys: Mapping[str, str], document: str | None) -> dict[str, Any] | None:
    """A company's own fields by their key, as the API shows them; None where they are masked."""
    if document is None:
        return None
    values = orjson.loads(document)
    return {key: values.get(field_id) for field_id, key in keys.items()}


def as_json(line: Mapping[str, Any]) -> bytes:
    """The line as it stands in the file, with its end."""
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def csv_heading(level: Level) -> bytes:
    """The mark of UTF-8, for spreadsheets, and the names of the columns: keys, joined by points."""
    return b"\xef\xbb\xbf" + _csv_row(list(_columns(level.shown, "")))


def as_csv(level: Level, line: Mapping[str, Any]) -> bytes:
    """The line as a row; what a spreadsheet would take for a formula is neutralised."""
    return _csv_row(list(_cells(level.shown, line)))


def _columns(shown: Sequence[Shown], prefix: str) -> Iterator[str]:
    for one in shown:
        if one.what == "one":
            yield from _columns(one.inner, f"{prefix}{one.key}.")
        else:
            yield prefix + one.key


def _cells(shown: Sequence[Shown], line: Mapping[str, Any] | None) -> Iterator[str]:
    for one in shown:
        value = None if line is None else line[one.key]
        if one.what == "one":
            yield from _cells(one.inner, value)
        else:
            yield _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return as_written(value)
    text = orjson.dumps(value).decode()
    # A moment or a day is a text of JSON; numbers, flags, lists and objects stand as JSON has them.
    return text.strip('"') if text.startswith('"') else as_written(text)


def _csv_row(cells: Sequence[str]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(cells)
    return stream.getvalue().encode()
