"""Sorting and keyset cursors: a page begins where a record stands, not after a number of records."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import RecordType
from kedang_tenants.catalogue.custom import custom_expression
from kedang_tenants.reading.errors import BadCursor
from kedang_tenants.reading.filters import sql_cast
from kedang_tenants.reading.masks import Mask, mask_of, usable_column
from kedang_tenants.reading.request import Order
from kedang_tenants.reading.statement import Statement
from kedang_tenants.reading.viewer import Viewer


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of a sorting, as SQL; the last one is always the id."""

    expression: str
    cast: str
    descending: bool
    nulls_last: bool
    nullable: bool
    name: str


def sort_keys(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, orders: tuple[Order, ...]
) -> list[SortKey]:
    """The sorting of a listing, made total by the id; raises MaskedField and BadUserInput."""
    chosen = orders or tuple(Order(name) for name in record.order if name != "id")
    keys = [_sort_key(statement, viewer, record, alias, order) for order in chosen]
    return [*keys, SortKey(f"{alias}.id", "uuid", False, True, False, "id")]


def _sort_key(statement: Statement, viewer: Viewer, record: RecordType, alias: str, order: Order) -> SortKey:
    if order.custom:
        custom = viewer.custom_field(record.name, order.field)
        if custom is None:
            raise BadUserInput(msg("There is no field “{field}”."), field=order.field)
        document = usable_column(statement, viewer, record, alias, record.fields["custom"])
        expression = custom_expression(document, custom)
        return SortKey(
            expression, custom.sql_type, order.descending, order.nulls_last, True, f"custom.{custom.id}"
        )
    field = record.fields[order.field]
    expression = usable_column(statement, viewer, record, alias, field, field.spec.sort_key)
    nullable = field.nullable or mask_of(viewer, record, field) is not Mask.OPEN
    return SortKey(
        expression, sql_cast(record, field), order.descending, order.nulls_last, nullable, field.name
    )


def order_clause(keys: list[SortKey], *, backward: bool) -> str:
    return ", ".join(_direction(key, backward=backward) for key in keys)


def _direction(key: SortKey, *, backward: bool) -> str:
    descending = key.descending != backward
    text = f"{key.expression} {'DESC' if descending else 'ASC'}"
    if key.nullable:
        text += " NULLS LAST" if key.nulls_last != backward else " NULLS FIRST"
    return text


def beyond(statement: Statement, keys: list[SortKey], values: list[object], *, backward: bool) -> str:
    """The condition that a row stands after (before, when ``backward``) the one with these key values."""
    alike = not any(key.nullable for key in keys) and len({key.descending for key in keys}) == 1
    if alike:
        symbol = "<" if keys[0].descending != backward else ">"
        left = ", ".join(key.expression for key in keys)
        right = ", ".join(f"{statement.bind(v)}::{k.cast}" for k, v in zip(keys, values, strict=True))
        return f"({left}) {symbol} ({right})"
    cases = []
    for position, (key, value) in enumerate(zip(keys, values, strict=True)):
        after = _after(statement, key, value, backward=backward)
        if after is not None:
            same = [_same(statement, k, v) for k, v in zip(keys[:position], values[:position], strict=True)]
            cases.append(" AND ".join([*same, after]))
    return "(" + " OR ".join(f"({case})" for case in cases) + ")"


def _same(statement: Statement, key: SortKey, value: object) -> str:
    if value is None:
        return f"{key.expression} IS NULL"
    return f"{key.expression} = {statement.bind(value)}::{key.cast}"


def _after(statement: Statement, key: SortKey, value: object, *, backward: bool) -> str | None:
    nulls_last = key.nulls_last != backward
    if value is None:
        return None if nulls_last else f"{key.expression} IS NOT NULL"
    symbol = "<" if key.descending != backward else ">"
    compared = f"{key.expression} {symbol} {statement.bind(value)}::{key.cast}"
    return f"({compared} OR {key.expression} IS NULL)" if nulls_last and key.nullable else compared


def sort_signature(record: RecordType, orders: tuple[Order, ...]) -> str:
    """What a cursor is bound to: a cursor of one sorting means nothing in another."""
    said = [(o.field, o.descending, o.nulls_last, o.custom) for o in orders]
    return hashlib.sha256(repr((record.name, said)).encode()).hexdigest()[:8]


def write_cursor(signature: str, values: list[object]) -> str:
    """The opaque cursor of a row: base64url without padding (RFC 4648, 5)."""
    text = orjson.dumps([signature, [_plain(value) for value in values]])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, UUID):
        return value.hex
    return value


def read_cursor(cursor: str, signature: str, keys: list[SortKey]) -> list[object]:
    """The key values that a cursor holds; raises BadCursor for anything that is not ours."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, values = orjson.loads(raw)
        if found == signature and len(values) == len(keys):
            return [_parsed(value, key) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError, binascii.Error, InvalidOperation, OverflowError):
        pass
    raise BadCursor(msg("This cursor does not belong to this list."))


def _parsed(value: object, key: SortKey) -> object:
    if value is None:
        if key.nullable:
            return None
        raise ValueError(key.name)
    return _PARSERS[key.cast](value)


def _exactly(kind: type) -> Callable[[Any], Any]:
    def parse(value: object) -> object:
        if type(value) is not kind:
            raise TypeError(value)
        return value

    return parse


def _integer(limit: int) -> Callable[[Any], Any]:
    def parse(value: object) -> object:
        if type(value) is not int or not -limit <= value < limit:
            raise TypeError(value)
        return value

    return parse


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise TypeError(value)
    return value


def _decimal(value: object) -> object:
    number = Decimal(_text(value))
    _, digits, exponent = number.as_tuple()
    if not number.is_finite() or len(digits) > _DIGITS or abs(int(exponent)) > _DIGITS:
        raise ValueError(value)
    return number


def _instant(value: object) -> object:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError(value)
    return instant.astimezone(UTC)


# Far more than any column holds, far less than PostgreSQL refuses.
_DIGITS = 100
_PARSERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "uuid": lambda value: UUID(hex=_text(value)),
    "int": _integer(2**31),
    "bigint": _integer(2**63),
    "numeric": _decimal,
    "date": lambda value: date.fromisoformat(_text(value)),
    "timestamptz": _instant,
    "boolean": _exactly(bool),
}
