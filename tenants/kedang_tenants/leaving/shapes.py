"""What a company's tables look like in an archive: a line of JSON a row, and the row again (docs/company-export.md).

Lines name fields as the API does, ids are public ids, the company's own fields stand under their keys. Columns that
follow from others (search words, sorting) are left out and made anew by whoever reads an archive; so are secrets.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson
from sqlalchemy import Column, Date, DateTime, LargeBinary, Numeric, Table, Time, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kedang_tenants.catalogue import Base, RecordType, catalogue
from kedang_tenants.catalogue.record_types import camel
from kedang_tenants.reading.statement import quoted

Converter: TypeAlias = Callable[[Any], Any]
CUSTOM: Final = "customFields"
_LEFT_OUT: Final = frozenset({"kept_answer"})  # answers kept for a day, for requests that are repeated
_MADE_ANEW: Final = frozenset({"search_text", "search_tokens", "name_sort", "phone_reversed"})
_FOLDERS: Final = {True: "records", False: "tables"}


@dataclass(frozen=True, slots=True)
class KeyOfField:
    """One of the company's own fields: the id under which values are kept, the key by which people know it."""

    id: str
    key: str


OwnKeys: TypeAlias = Mapping[str, Sequence[KeyOfField]]
"""The company's own fields by the record that has them, archived ones included."""


@dataclass(frozen=True)
class Shape:
    """One table: which columns leave, under which names, in which order its rows stand."""

    table: Table
    record: RecordType | None
    columns: tuple[Column[Any], ...]
    key: tuple[Column[Any], ...]

    @property
    def name(self) -> str:
        return str(self.record.name if self.record else self.table.name)  # not SQLAlchemy's own kind of text

    @property
    def path(self) -> str:
        """Where its part lies in an archive, without the ending."""
        return f"{_FOLDERS[self.record is not None]}/{self.name}"

    def api_name(self, column: Column[Any]) -> str:
        return CUSTOM if self.record is not None and column.name == "custom" else camel(column.name)

    @property
    def page(self) -> str:
        """The rows behind a key, ``$1`` and so on; the limit comes last."""
        names = ", ".join(quoted(column.name) for column in self.columns)
        key = ", ".join(quoted(column.name) for column in self.key)
        places = ", ".join(f"${n}::{_type(column)}" for n, column in enumerate(self.key, 1))
        return (
            f"SELECT {names} FROM {quoted(self.table.name)} WHERE ({key}) > ({places}) ORDER BY {key}"
            f" LIMIT ${len(self.key) + 1}"
        )

    @property
    def first_page(self) -> str:
        before, _, after = self.page.partition(" WHERE ")
        return f"{before} ORDER BY{after.partition(' ORDER BY')[2].rpartition(' LIMIT ')[0]} LIMIT $1"

    def writers(self, own: OwnKeys) -> list[tuple[str, Converter | None]]:
        """The name of each column's value, and what makes JSON of it; None where it is JSON already."""
        keys = {known.id: known.key for known in told_keys(own.get(self.name, ()))}
        return [(self.api_name(column), _writer(self, column, keys)) for column in self.columns]

    def readers(self, own: OwnKeys) -> list[tuple[str, Converter | None]]:
        """The name of each column's value, and what makes the driver's value of its JSON."""
        ids = {known.key: known.id for known in told_keys(own.get(self.name, ()))}
        return [(self.api_name(column), _reader(self, column, ids)) for column in self.columns]


@cache
def shapes() -> tuple[Shape, ...]:
    """Every table of a company; what others refer to stands first."""
    by_table = {record.table.name: record for record in catalogue()}
    return tuple(
        _shape(table, by_table.get(table.name))
        for table in Base.metadata.sorted_tables
        if table.name not in _LEFT_OUT
    )


def _shape(table: Table, record: RecordType | None) -> Shape:
    key = tuple(table.primary_key.columns)
    others = [column for column in table.columns if column not in key and _leaves(column)]
    return Shape(table, record, (*key, *others), key)


def _leaves(column: Column[Any]) -> bool:
    return column.name not in _MADE_ANEW


def told_keys(known: Sequence[KeyOfField]) -> Iterator[KeyOfField]:
    """Keys as they are told: one that an archived field had before carries its id."""
    seen: set[str] = set()
    for each in known:
        yield each if each.key not in seen else KeyOfField(each.id, f"{each.key}#{each.id}")
        seen.add(each.key)


def _type(column: Column[Any]) -> str:
    from sqlalchemy.dialects import postgresql

    return str(column.type.compile(dialect=postgresql.dialect())).partition(" COLLATE")[0]  # type: ignore[no-untyped-call]


def _prefix(shape: Shape, column: Column[Any]) -> str | None:
    """The prefix of the public ids in a column; None where they are no record's."""
    if shape.record is None:
        return None
    if column.name == "id":
        return shape.record.prefix
    field = shape.record.fields.get(column.name)
    return catalogue().record(field.target).prefix if field is not None and field.target else None


def _writer(shape: Shape, column: Column[Any], keys: Mapping[str, str]) -> Converter | None:
    kind = column.type
    if shape.record is not None and column.name == "custom":
        return lambda text: {keys.get(name, f"#{name}"): value for name, value in orjson.loads(text).items()}
    if isinstance(kind, JSONB):
        return orjson.Fragment
    if isinstance(kind, Uuid):
        prefix = _prefix(shape, column)
        return (lambda value: f"{prefix}_{value.hex}") if prefix else (lambda value: value.hex)
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, Uuid):
        return lambda values: [value.hex for value in values]
    if isinstance(kind, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return _plain_writer(kind)


def _plain_writer(kind: object) -> Converter | None:
    if isinstance(kind, Numeric):
        return lambda value: format(value, "f")
    if isinstance(kind, DateTime | Date | Time):
        return lambda value: value.isoformat()
    return None


def _reader(shape: Shape, column: Column[Any], ids: Mapping[str, str]) -> Converter | None:
    kind = column.type
    if shape.record is not None and column.name == "custom":
        return lambda found: _text(
            {ids.get(key, key.removeprefix("#")): value for key, value in found.items()}
        )
    if isinstance(kind, JSONB):
        return _text
    if isinstance(kind, Uuid):
        return _id
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, Uuid):
        return lambda values: [_id(value) for value in values]
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    return _plain_reader(kind)


def _plain_reader(kind: object) -> Converter | None:
    if isinstance(kind, Numeric):
        return Decimal
    for known, read in (
        (DateTime, datetime.fromisoformat),
        (Date, date.fromisoformat),
        (Time, time.fromisoformat),
    ):
        if isinstance(kind, known):
            return read
    return None


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _id(text: str) -> UUID:
    return UUID(hex=text.rpartition("_")[2])
