"""What the installation, not the company's own schema, knows of a company: people, and what it was billed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import LargeBinary, Table

from kedang_platform.database import ControlRead
from kedang_platform.database.tables import platform_metadata
from kedang_tenants.catalogue.record_types import camel
from kedang_tenants.reading.statement import quoted

_PEOPLE = """
SELECT m.member_id, p.email, p.name, p.language FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
WHERE m.company_id = $1 ORDER BY m.member_id"""
# Told otherwise, or nobody's business outside of this installation.
_NOT_BOOKS: Final = frozenset(
    {
        "company",
        "membership",
        "session",
        "one_time_token",
        "tenant_schema",
        "company_export",
        "company_deletion",
    }
)
_OF_INVOICES: Final = "invoice_id IN (SELECT id FROM platform.invoice WHERE company_id = $1)"


@cache
def books() -> tuple[Table, ...]:
    """The tables that hold something of one company: its subscription, seats, orders, invoices, keys without secrets."""
    return tuple(
        table for table in platform_metadata.sorted_tables if table.name not in _NOT_BOOKS and _of(table)
    )


def _of(table: Table) -> str | None:
    if "company_id" in table.columns:
        return "company_id = $1"
    return _OF_INVOICES if "invoice_id" in table.columns else None


async def book_lines(read: ControlRead, table: Table, company_id: UUID) -> tuple[int, bytes]:
    """The rows of a book as lines of JSON, without hashes of secrets and without what is empty."""
    columns = [column.name for column in table.columns if not isinstance(column.type, LargeBinary)]
    order = ", ".join(quoted(column.name) for column in table.primary_key.columns)
    rows = await read.fetch(
        f"SELECT {', '.join(map(quoted, columns))} FROM platform.{quoted(table.name)}"
        f" WHERE {_of(table)} ORDER BY {order}",
        company_id,
    )
    return len(rows), b"".join(_line(dict(row)) for row in rows)


async def people_lines(read: ControlRead, company_id: UUID) -> tuple[int, bytes]:
    """Who belongs to the company: the member's id and what the installation knows of the person; no password leaves."""
    rows = await read.fetch(_PEOPLE, company_id)
    return len(rows), b"".join(_line(dict(row)) for row in rows)


def _line(row: dict[str, Any]) -> bytes:
    told = dict(_told(row))
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE, default=str)


def _told(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if value is not None:
            yield camel(name), value.hex if isinstance(value, UUID) else value
