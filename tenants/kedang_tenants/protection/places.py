"""Where a person's values stand: which fields say who somebody is, and which tables only hold copies (T7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ARRAY, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from kedang_tenants.catalogue import Base, RecordType, catalogue

PERSONAL: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset(
        {
            "name",
            "title",
            "department",
            "decision_power",
            "phone",
            "phone_e164",
            "phone_reversed",
            "email",
            "birthday",
            "preferred_channel",
            "note",
            "name_sort",
            "search_text",
            "search_tokens",
            "custom",
        }
    ),
    "customer": frozenset(
        {
            "name",
            "legal_representative",
            "credit_code",
            "founded_on",
            "business_scope",
            "address",
            "postal_code",
            "latitude",
            "longitude",
            "phone",
            "phone_e164",
            "phone_reversed",
            "fax",
            "email",
            "website",
            "note",
            "credit_rating",
            "credit_before",
            "credit_dropped_on",
            "insolvency",
            "purchasing_power",
            "hot_reason",
            "name_sort",
            "search_text",
            "search_tokens",
            "custom",
        }
    ),
    "member": frozenset({"name", "email", "title", "custom", "calendar_hash"}),
}
"""What goes when a person is erased, by the record that is the person."""

NAMED_BY: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset({"name"}),
    "customer": frozenset({"name", "legal_representative"}),
    "member": frozenset({"name"}),
}
"""The fields with names, which others may have as well."""

REACHED_BY: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset({"email", "phone", "phone_e164"}),
    "customer": frozenset({"email", "phone", "phone_e164", "fax", "website", "credit_code"}),
    "member": frozenset({"email"}),
}
"""The fields with addresses and numbers, which are looked for everywhere."""

COPIES: Final = frozenset(
    {
        "notice",
        "kept_answer",
        "import",
        "import_remark",
        "export",
        "bulk_operation",
        "bulk_result",
        "webhook",
        "webhook_delivery",
        "measured_operation",
        "measured_statement",
        "report_definition",
        "report_run",
        "approval_request",
        "approval_event",
    }
)
"""Tables that repeat what stands elsewhere: names are looked for in all of their rows."""

APART: Final = frozenset({"audit", "audit_seal", "person_request", "file"})
"""Tables that have a way of their own."""

_DERIVED: Final = frozenset({"name_sort", "search_text", "search_tokens", "phone_reversed"})


@dataclass(frozen=True, slots=True)
class Place:
    """A table with the columns in which text stands; ``record`` is None where it holds no record."""

    table: Table
    record: RecordType | None
    texts: tuple[str, ...]
    lists: tuple[str, ...]
    documents: tuple[str, ...]

    @property
    def name(self) -> str:
        return "".join(self.table.name)  # SQLAlchemy gives a kind of str of its own

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.texts, *self.lists, *self.documents)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.primary_key.columns)


def places() -> list[Place]:
    """Every table of a company that a person's values can have reached, in the order of their names."""
    records = {record.table.name: record for record in catalogue()}
    found = (_place(table, records.get(table.name)) for table in Base.metadata.tables.values())
    return sorted((p for p in found if p.columns and p.name not in APART), key=lambda p: p.name)


def _place(table: Table, record: RecordType | None) -> Place:
    columns = [column for column in table.columns if column.name not in _DERIVED]
    return Place(
        table,
        record,
        texts=tuple(c.name for c in columns if isinstance(c.type, Text) and not c.primary_key),
        lists=tuple(
            c.name for c in columns if isinstance(c.type, ARRAY) and isinstance(c.type.item_type, Text)
        ),
        documents=tuple(c.name for c in columns if isinstance(c.type, JSONB)),
    )


def of_customer(record: RecordType, alias: str, customer: str) -> str | None:
    """SQL: whether the row belongs to the customer with the id ``customer``; None where it belongs to none.

    It does by a reference of its own, or by one to something that does.
    """
    if record.name == "customer":
        return f"{alias}.id = {customer}"
    column = _direct(record)
    if column is not None:
        return f"{alias}.{column} = {customer}"
    for column, target in _upwards(record):
        above = catalogue().record(target)
        direct = _direct(above)
        if direct is not None:
            rows = f'SELECT id FROM "{above.table.name}" WHERE {direct} = {customer}'
            return f"{alias}.{column} IN ({rows})"
    return None


def customer_of_file(alias: str) -> str:
    """SQL: the id of the customer whose record a file belongs to; null where it is nobody's."""
    identity = f"nullif(split_part({alias}.attached_to, '_', 2), '')::uuid"
    cases = [f"WHEN 'cus' THEN {identity}"]
    for record in catalogue():
        column = _direct(record)
        if column is not None and record.name != "customer":
            row = f'SELECT r.{column} FROM "{record.table.name}" r WHERE r.id = {identity}'
            cases.append(f"WHEN '{record.prefix}' THEN ({row})")
    return f"CASE split_part({alias}.attached_to, '_', 1) {' '.join(cases)} END"


def _direct(record: RecordType) -> str | None:
    return next((field.name for field in record.references if field.target == "customer"), None)


def _upwards(record: RecordType) -> Iterator[tuple[str, str]]:
    for field in record.references:
        if field.target is not None and field.target not in {"member", "department", record.name}:
            yield field.name, field.target
