"""Reading the books: invoices with what is owed of them, page by page, and everything that belongs to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlRead
from kedang_platform.licensing import ledger
from kedang_platform.licensing.invoices import Invoice, find_by_number, invoices_from
from kedang_platform.licensing.orders import PURCHASE
from kedang_platform.licensing.payments import Payment, payments_by_invoice

MOST_LISTED: Final = 1000
"""Entries that an operator is shown at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice or credit note: what is owed of it in minor units, what arrived for it, and what corrects it."""

    invoice: Invoice
    owed: int
    payments: tuple[Payment, ...] = ()
    credit_notes: tuple[Invoice, ...] = ()

    @property
    def overdue(self) -> bool:
        """Whether it was marked as overdue, and something is still owed."""
        return self.owed > 0 and self.invoice.overdue_at is not None

    def overdue_at(self, now: datetime) -> bool:
        """Whether something is owed that should have been paid by ``now``, marked or not; orders bind nobody."""
        due = self.invoice.due_at
        return self.owed > 0 and due is not None and due <= now and self.invoice.purpose != PURCHASE


@dataclass(frozen=True, slots=True)
class Account:
    """An invoice, and what its company has to its credit in its currency."""

    entry: Entry
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


_NOTES = "SELECT * FROM platform.invoice WHERE corrects = ANY($1) ORDER BY issued_at, id"


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
    """The invoice with what belongs to it."""
    return (await _told(read, [invoice]))[0]


async def account_of(read: ControlRead, *, number: str) -> Account:
    """Everything that belongs to the invoice of this number. Raises ``UnknownInvoice``."""
    invoice = await find_by_number(read, number=number)
    credit = await ledger.credit_of(read, company_id=invoice.company_id, currency=invoice.currency)
    return Account(await entry_of(read, invoice), credit)


async def _entries(read: ControlRead, sql: str, *args: object) -> list[Entry]:
    return await _told(read, await invoices_from(read, await read.fetch(sql, *args)))


async def _told(read: ControlRead, invoices: Sequence[Invoice]) -> list[Entry]:
    ids = [one.id for one in invoices]
    sums = {row["invoice_id"]: row["paid"] for row in await read.fetch(_SUMS, ids)}
    payments = await payments_by_invoice(read, invoice_ids=ids)
    notes: dict[UUID, list[Invoice]] = {}
    for note in await invoices_from(read, await read.fetch(_NOTES, ids)):
        assert note.corrects is not None
        notes.setdefault(note.corrects, []).append(note)
    return [
        Entry(
            one,
            one.gross - sums.get(one.id, 0) if one.kind == "invoice" else 0,
            tuple(payments.get(one.id, ())),
            tuple(notes.get(one.id, ())),
        )
        for one in invoices
    ]
