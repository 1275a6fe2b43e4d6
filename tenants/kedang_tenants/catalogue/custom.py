"""Fields of a company's own (A4): defined in rows, valued in the ``custom`` document of each record.

A value is stored under the field's immutable id, so a field can be renamed without touching a
record. A definition's kind never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from kedang_tenants.catalogue.kinds import (
    ChoiceKind,
    DayKind,
    DecimalKind,
    FlagKind,
    IntegerKind,
    Kind,
    Option,
    TextKind,
)

CustomKindName = Literal["TEXT", "INTEGER", "DECIMAL", "DAY", "FLAG", "CHOICE"]

_SQL_TYPES = {
    "TEXT": "text",
    "INTEGER": "bigint",
    "DECIMAL": "numeric",
    "DAY": "date",
    "FLAG": "boolean",
    "CHOICE": "text",
}


@dataclass(frozen=True, slots=True)
class CustomField:
    """One field of the company's own on one kind of record; ``id`` is its name inside the document.

    ``of_class`` is the id of the class of customers of whom alone it is asked (``classing.forms``); None: of all.
    """

    id: str
    record: str
    key: str
    kind_name: CustomKindName
    label_en: str
    label_zh: str
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    of_class: str | None = None

    @property
    def always_required(self) -> bool:
        """Whether no record goes without it."""
        return self.required and self.of_class is None

    @property
    def kind(self) -> Kind:
        match self.kind_name:
            case "TEXT":
                return TextKind(2000)
            case "INTEGER":
                return IntegerKind(-(10**15), 10**15)
            case "DECIMAL":
                return DecimalKind()
            case "DAY":
                return DayKind()
            case "FLAG":
                return FlagKind()
            case "CHOICE":
                return ChoiceKind(tuple(Option(code, label) for code, label in self.options))

    @property
    def sql_type(self) -> str:
        return _SQL_TYPES[self.kind_name]


def custom_expression(document: str, field: CustomField) -> str:
    """The SQL expression of a custom field inside the document column ``document``; the id is hexadecimal."""
    if not field.id.isalnum():
        raise ValueError(f"not the id of a custom field: {field.id!r}")
    text = f"({document} ->> '{field.id}')"
    return f'{text} COLLATE "C"' if field.sql_type == "text" else f"{text}::{field.sql_type}"


def to_document(value: object) -> object:
    """The JSON value that stands for a checked value."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value
