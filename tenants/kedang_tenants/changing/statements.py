"""Statements that write one row, which is what people mostly write: text made once, several sent as one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import JSONB

from kedang_tenants.reading.statement import quoted

_MOST_TEXTS = 2_000
_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class OneRow:
    """A statement with its values, ``$1`` the first of them."""

    sql: str
    values: Sequence[object]


def insertion(table: Table, row: Mapping[str, object]) -> OneRow | None:
    """Inserts this row; None where SQLAlchemy has other columns to fill in."""
    names = tuple(row)
    if _has_defaults(table, names):
        return None
    return OneRow(_insert_text(table, names), _bound(table, names, row))


def renewal(table: Table, row: Mapping[str, object]) -> OneRow:
    """Sets these columns where ``id`` is that of the row."""
    names = tuple(row)
    return OneRow(_update_text(table, names), _bound(table, names, row))


def together(parts: Sequence[OneRow]) -> OneRow:
    """All of them in one round trip. None may read what another writes: they see the rows as they were before."""
    sql = _joined(tuple((part.sql, len(part.values)) for part in parts))
    return OneRow(sql, [value for part in parts for value in part.values])


@lru_cache(maxsize=_MOST_TEXTS)
def _has_defaults(table: Table, names: tuple[str, ...]) -> bool:
    return any(column.default is not None for column in table.columns if column.name not in names)


@lru_cache(maxsize=_MOST_TEXTS)
def _insert_text(table: Table, names: tuple[str, ...]) -> str:
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, names))}) VALUES ({places})"


@lru_cache(maxsize=_MOST_TEXTS)
def _update_text(table: Table, names: tuple[str, ...]) -> str:
    places = {name: f"{quoted(name)} = ${place}" for place, name in enumerate(names, 1)}
    which = places.pop("id")
    return f"UPDATE {quoted(table.name)} SET {', '.join(places.values())} WHERE {which}"


@lru_cache(maxsize=_MOST_TEXTS)
def _joined(parts: tuple[tuple[str, int], ...]) -> str:
    *first, (last, _) = parts
    texts, before = [], 0
    for number, (sql, places) in enumerate(first):
        texts.append(f"part{number} AS ({_moved(sql, before)})")
        before += places
    return f"WITH {', '.join(texts)} {_moved(last, before)}" if first else last


def _moved(sql: str, by: int) -> str:
    """A statement whose places come after so many others."""
    return _PLACE.sub(lambda place: f"${int(place[1]) + by}", sql)


def _bound(table: Table, names: tuple[str, ...], row: Mapping[str, object]) -> list[object]:
    """The values as the driver takes them: documents as text."""
    values = list(row.values())
    for place, none_is_null in _documents(table, names):
        if values[place] is not None or not none_is_null:
            values[place] = orjson.dumps(values[place]).decode()
    return values


@lru_cache(maxsize=_MOST_TEXTS)
def _documents(table: Table, names: tuple[str, ...]) -> tuple[tuple[int, bool], ...]:
    """Where documents stand, and whether nothing is NULL there instead of a document that says null."""
    columns: list[Column[object]] = [table.c[name] for name in names]
    return tuple(
        (place, column.type.none_as_null)
        for place, column in enumerate(columns)
        if isinstance(column.type, JSONB)
    )
