"""Rows become lines: JSON objects with the keys of the query, or the cells of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from kedang_tenants.bulk.questions import Level
from kedang_tenants.imports.neutral import as_written
from kedang_tenants.reading.shown import Shown

PARENT = "__parentId"


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
        if one.what in {"one", "own"}:
            yield from _columns(one.inner, f"{prefix}{one.key}.")
        else:
            yield prefix + one.key


def _cells(shown: Sequence[Shown], line: Mapping[str, Any] | None) -> Iterator[str]:
    for one in shown:
        value = None if line is None else line[one.key]
        if one.what in {"one", "own"}:
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
