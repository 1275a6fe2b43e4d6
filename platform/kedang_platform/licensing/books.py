"""Reading the books: invoices with what is owed of them, page by page, and everything that belongs to one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlRead
from kedang_platform.licensing import ledger
from kedang_platform.licensing.invoices import Invoice, find_by_number, invoices_from
from kedang_platform.licensing.payments import Payment, payments_of

MOST_LISTED: Final = 1000
"""Entries that an operator is shown at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice or credit note, and what is owed of it in minor units."""

    invoice: Invoice
    owed: int

    @property
    def overdue(self) -> bool:
        """Whether it was marked as overdue, and something is still owed."""
        return self.owed > 0 and self.invoice.overdue_at is not None


@dataclass(frozen=True, slots=True)
class Account:
    """An invoice with its payments and credit notes, and what its company has to its credit in its currency."""

    entry: Entry
    payments: tuple[Payment, ...]
    credit_notes: tuple[Invoice, ...]
    credit: int


_PAGE = """
SELECT * FROM platform.invoice
WHERE company_id = $1 AND ($2::timestamptz IS NULL OR (issued_at, id) < ($2, $3))
ORDER BY issued_at DESC, id DESC LIMIT $4
"""
_NEWEST = """
SELECT * FROM platform.invoice WHERE $1::uuid IS NULL OR company_id = $1 ORDER BY issued_at DESC, id DESC LIMIT $2
"""
_OWED = """
SELECT * FROM platform.invoice
WHERE ($1::uuid IS NULL OR company_id = $1) AND kind = 'invoice' AND paid_at IS NULL AND credited_at IS NULL
ORDER BY due_at, id LIMIT $2
"""
_SUMS = """
SELECT invoice_id, sum(amount)::bigint AS paid FROM platform.allocation WHERE invoice_id = ANY($1) GROUP BY invoice_id
"""


async def page_of(
    read: ControlRead, *, company_id: UUID, after: tuple[datetime, UUID] | None, count: int
) -> list[Entry]:
    """The company's invoices and credit notes, the newest first, from the one after ``after`` on."""
    issued_at, invoice_id = after or (None, None)
    return await _entries(read, _PAGE, company_id, issued_at, invoice_id, count)


async def list_entries(read: ControlRead, *, company_id: UUID | None, owed: bool) -> list[Entry]:
    """What the operator is shown: the newest, or of those that are owed what is due first."""
    return await _entries(read, _OWED if owed else _NEWEST, company_id, MOST_LISTED)


async def entry_of(read: ControlRead, invoice: Invoice) -> Entry:
    """The invoice with what is owed of it."""
    return Entry(invoice, await ledger.open_of(read, invoice_id=invoice.id))


async def credit_notes_of(read: ControlRead, *, invoice_id: UUID) -> list[Invoice]:
    """The credit notes that correct an invoice, the oldest first."""
    rows = await read.fetch(
        "SELECT * FROM platform.invoice WHERE corrects = $1 ORDER BY issued_at, id", invoice_id
    )
    return await invoices_from(read, rows)


async def account_of(read: ControlRead, *, number: str) -> Account:
    """Everything that belongs to the invoice of this number. Raises ``UnknownInvoice``."""
    invoice = await find_by_number(read, number=number)
    return Account(
        entry=await entry_of(read, invoice),
        payments=tuple(await payments_of(read, invoice_id=invoice.id)),
        credit_notes=tuple(await credit_notes_of(read, invoice_id=invoice.id)),
        credit=await ledger.credit_of(read, company_id=invoice.company_id, currency=invoice.currency),
    )


async def _entries(read: ControlRead, sql: str, *args: object) -> list[Entry]:
    invoices = await invoices_from(read, await read.fetch(sql, *args))
    sums = {row["invoice_id"]: row["paid"] for row in await read.fetch(_SUMS, [one.id for one in invoices])}
    return [Entry(one, one.gross - sums.get(one.id, 0) if one.kind == "invoice" else 0) for one in invoices]
