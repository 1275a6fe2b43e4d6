"""Rows as lines: JSON for programs, CSV for people, and rows again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, cast

import orjson

from kedang_platform.database import TenantRead
from kedang_tenants.imports.neutral import as_written
from kedang_tenants.leaving.shapes import CUSTOM, KeyOfField, OwnKeys, Shape, told_keys

_OWN_FIELDS = (
    "SELECT record, id, key FROM custom_field ORDER BY archived_at IS NOT NULL, record, position, key, id"
)
_BOOLS = {True: "true", False: "false"}


async def own_keys(read: TenantRead) -> OwnKeys:
    """The company's own fields, those in use before archived ones."""
    known: dict[str, list[KeyOfField]] = {}
    for row in await read.fetch(_OWN_FIELDS):
        known.setdefault(row["record"], []).append(KeyOfField(row["id"].hex, row["key"]))
    return known


class LineWriter:
    """Makes the lines of one table; both forms from one pass over its rows."""

    def __init__(self, shape: Shape, own: OwnKeys) -> None:
        self._columns = shape.writers(own)
        self._own = [known.key for known in told_keys(own.get(shape.name, ()))] if shape.record else []

    def heading(self) -> bytes:
        """The first line of the CSV: the fields, then the company's own ones."""
        return self._csv([[*self._names(), *(f"{CUSTOM}.{key}" for key in self._own)]])

    def lines(self, rows: Sequence[Sequence[Any]]) -> tuple[bytes, bytes]:
        """The rows as JSON, one a line, without what is empty; and as CSV."""
        documents = [self._document(row) for row in rows]
        text = b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)
        return text, self._csv([list(self._cells(document)) for document in documents])

    def _names(self) -> list[str]:
        return [name for name, _ in self._columns if name != CUSTOM]

    def _document(self, row: Sequence[Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for (name, convert), value in zip(self._columns, row, strict=True):
            if value is not None:
                document[name] = value if convert is None else convert(value)
        return document

    def _cells(self, document: dict[str, Any]) -> Iterator[str]:
        for name in self._names():
            yield _cell(document.get(name))
        own = document.get(CUSTOM, {})
        for key in self._own:
            yield _cell(own.get(key))

    def _csv(self, rows: Sequence[Sequence[str]]) -> bytes:
        page = io.StringIO()
        csv.writer(page, lineterminator="\r\n").writerows(rows)
        return page.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return as_written(value)
    if isinstance(value, bool):
        return _BOOLS[value]
    return str(value) if isinstance(value, int) else as_written(orjson.dumps(value).decode())


class LineReader:
    """Makes rows of lines of JSON, the values in the order of ``Shape.columns``."""

    def __init__(self, shape: Shape, own: OwnKeys) -> None:
        self._columns = shape.readers(own)

    def row(self, line: bytes) -> list[Any]:
        document = cast("dict[str, Any]", orjson.loads(line))
        return [
            None if name not in document else document[name] if read is None else read(document[name])
            for name, read in self._columns
        ]
