"""The columns of an export: what the catalogue lets out, written so that an import reads it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.i18n import translate
from kedang_platform.money import to_amount
from kedang_tenants.catalogue import DocumentKind, Field, LocalisedKind, MoneyKind, RecordType, catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.imports.targets import CUSTOM
from kedang_tenants.imports.writers import Cell
from kedang_tenants.reading import Select, Viewer
from kedang_tenants.reading.layout import Layout

_EMPTY = Cell("")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field, the key of a related record (``relation``), or a field of the company's own."""

    path: str
    label: str
    field: Field | None = None
    relation: str | None = None
    custom: CustomField | None = None


def exported_columns(viewer: Viewer, record: RecordType) -> tuple[Column, ...]:
    """All that may leave, in the order of the fields; references by the key of their record."""
    return (*_columns_of_fields(viewer, record), *_columns_of_own_fields(viewer, record))


def _columns_of_fields(viewer: Viewer, record: RecordType) -> Iterator[Column]:
    relations = {r.column: r for r in record.relations.values() if not r.many}
    for field in record.visible_fields:
        if not field.spec.exported or isinstance(field.kind, DocumentKind):
            continue
        relation = relations.get(field.name)
        if relation is None and field.target is None:
            yield Column(field.api_name, translate(field.spec.label, viewer.language), field)
        elif relation is not None:
            target = catalogue().record(relation.target)
            key = target.fields[target.key[0]] if len(target.key) == 1 else None
            if key is not None and key.target is None:
                yield Column(
                    relation.api_name, translate(relation.label, viewer.language), key, relation=relation.name
                )


def _columns_of_own_fields(viewer: Viewer, record: RecordType) -> Iterator[Column]:
    for custom in viewer.custom_fields:
        if custom.record == record.name:
            label = custom.label_zh if viewer.language == "zh-CN" else custom.label_en
            yield Column(CUSTOM + custom.key, label, custom=custom)


def headings(columns: Sequence[Column]) -> list[Cell]:
    """Labels in the reader's language; the path of the API where two columns would be called alike."""
    counts = Counter(column.label.casefold() for column in columns)
    return [Cell(column.label if counts[column.label.casefold()] == 1 else column.path) for column in columns]


def selection(record: RecordType, columns: Sequence[Column]) -> Select:
    """What has to be read for the columns."""
    fields = [column.field.name for column in columns if column.field and not column.relation]
    if any(column.custom for column in columns):
        fields.append("custom")
    if "currency" in record.fields:
        fields.append("currency")
    one = tuple(
        (column.relation, Select(fields=(column.field.name,)))
        for column in columns
        if column.relation and column.field
    )
    return Select(fields=tuple(dict.fromkeys(fields)), one=one)


class RowWriter:
    """Turns rows of the reading into cells."""

    def __init__(self, viewer: Viewer, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._zone = ZoneInfo(viewer.time_zone)
        self._currency = viewer.currency

    def cells(self, row: asyncpg.Record, layout: Layout) -> list[Cell]:
        own = self._own_values(row, layout)
        place = layout.fields.get("currency")
        currency = str((row[place] if place is not None else None) or self._currency)
        return [self._cell(column, row, layout, own, currency) for column in self._columns]

    def _cell(
        self, column: Column, row: asyncpg.Record, layout: Layout, own: Mapping[str, Any], currency: str
    ) -> Cell:
        if column.custom is not None:
            return _own_cell(column.custom, own.get(column.custom.id))
        assert column.field is not None
        found = layout.one[column.relation] if column.relation else layout
        value = row[found.fields[column.field.name]]
        if value is None or value == "":
            return _EMPTY
        if isinstance(column.field.kind, MoneyKind):
            amount = to_amount(minor=value, currency=currency)
            return Cell(str(amount), amount)
        if isinstance(value, datetime):
            return Cell(value.astimezone(self._zone).isoformat())
        if isinstance(column.field.kind, LocalisedKind):
            value = orjson.loads(value)
        typed = value if isinstance(value, Decimal | date) or type(value) is int else None
        return Cell(column.field.kind.write_text(value), typed)

    def _own_values(self, row: asyncpg.Record, layout: Layout) -> Mapping[str, Any]:
        place = layout.fields.get("custom")
        stored = row[place] if place is not None else None
        values: dict[str, Any] = orjson.loads(stored) if stored else {}
        return values


def _own_cell(custom: CustomField, value: object) -> Cell:
    if value is None:
        return _EMPTY
    match custom.kind_name:
        case "DECIMAL":
            return Cell(str(value), Decimal(str(value)))
        case "DAY":
            return Cell(str(value), date.fromisoformat(str(value)))
        case "INTEGER" if isinstance(value, int):
            return Cell(str(value), value)
    return Cell(custom.kind.write_text(value))
