"""What is owed and what stands to a company's credit: sums over rows that are only ever added.

Money comes from confirmed payments and from credit notes; allocations say which of it paid which invoice. What is
not allocated is the company's credit. Nothing here is kept as a number that could drift: for each currency
payments + credit notes = allocations + credit, always. All of it happens under the lock of the company's seats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.ids import new_id

# Money that may be spent, the oldest first. A payment counts between its confirmation and its reversal.
_FREE = """
SELECT payment_id, credit_note_id, free FROM (
    SELECT p.id AS payment_id, NULL::uuid AS credit_note_id, s.at AS since, p.amount - coalesce(
               (SELECT sum(a.amount) FROM platform.allocation a WHERE a.payment_id = p.id), 0)::bigint AS free
    FROM platform.payment p JOIN platform.payment_step s ON s.payment_id = p.id AND s.step = 'confirmed'
    WHERE p.company_id = $1 AND p.currency = $2 AND NOT EXISTS (
        SELECT FROM platform.payment_step r WHERE r.payment_id = p.id AND r.step = 'reversed')
    UNION ALL
    SELECT NULL, n.id, n.issued_at, n.gross - coalesce(
               (SELECT sum(a.amount) FROM platform.allocation a WHERE a.credit_note_id = n.id), 0)::bigint
    FROM platform.invoice n WHERE n.company_id = $1 AND n.currency = $2 AND n.kind = 'credit_note'
) AS source WHERE free > 0 ORDER BY since, coalesce(payment_id, credit_note_id)
"""
_OPEN = """
SELECT i.gross - coalesce((SELECT sum(a.amount) FROM platform.allocation a WHERE a.invoice_id = i.id), 0)::bigint
FROM platform.invoice i WHERE i.id = $1 AND i.kind = 'invoice'
"""
_LEFT = """
SELECT i.net - coalesce(sum(n.net), 0)::bigint AS net, i.tax - coalesce(sum(n.tax), 0)::bigint AS tax
FROM platform.invoice i LEFT JOIN platform.invoice n ON n.corrects = i.id WHERE i.id = $1 GROUP BY i.id
"""
_ALLOCATE = """
INSERT INTO platform.allocation (id, invoice_id, payment_id, credit_note_id, amount, at)
SELECT given.id, $2, given.payment_id, given.credit_note_id, given.amount, $6
FROM unnest($1::uuid[], $3::uuid[], $4::uuid[], $5::bigint[]) AS given (id, payment_id, credit_note_id, amount)
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What credit notes have left of an invoice."""

    net: int
    tax: int

    @property
    def gross(self) -> int:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Source:
    """Money that may be spent: a payment or a credit note, and how much of it is free."""

    payment_id: UUID | None
    credit_note_id: UUID | None
    free: int


async def left_of(read: ControlRead, *, invoice_id: UUID) -> Left:
    """What may still be credited of an invoice."""
    row = await read.fetchrow(_LEFT, invoice_id)
    if row is None:
        raise LookupError(f"no invoice {invoice_id}")
    return Left(row["net"], row["tax"])


async def open_of(read: ControlRead, *, invoice_id: UUID) -> int:
    """What is owed of an invoice; nothing of a credit note."""
    owed: int | None = await read.fetchval(_OPEN, invoice_id)
    return owed or 0


async def credit_of(read: ControlRead, *, company_id: UUID, currency: str) -> int:
    """What the company has paid, or was credited, and no invoice has used."""
    return sum(source.free for source in await _sources(read, company_id, currency))


async def _sources(read: ControlRead, company_id: UUID, currency: str) -> list[Source]:
    return [Source(**dict(row)) for row in await read.fetch(_FREE, company_id, currency)]


async def use_credit(
    control: ControlTransaction, *, invoice_id: UUID, now: datetime, first: UUID | None = None
) -> bool:
    """Pay an open invoice by the company's credit, the oldest first, or what came as payment ``first`` before that.

    True when nothing of it is owed any more; it is marked as paid then.
    """
    row = await control.fetchrow(
        "SELECT company_id, currency, paid_at, credited_at FROM platform.invoice WHERE id = $1 FOR UPDATE",
        invoice_id,
    )
    if row is None or row["paid_at"] is not None or row["credited_at"] is not None:
        return False
    owed = await open_of(control, invoice_id=invoice_id)
    sources = await _sources(control, row["company_id"], row["currency"])
    sources.sort(key=lambda source: source.payment_id != first)
    parts = _shared_out(owed, sources)
    await _allocate(control, invoice_id, parts, now=now)
    if owed - sum(part.free for part in parts):
        return False
    await control.fetch("UPDATE platform.invoice SET paid_at = $2 WHERE id = $1", invoice_id, now)
    return True


def _shared_out(owed: int, sources: Sequence[Source]) -> list[Source]:
    """As much of each source as is needed, in their order."""
    parts: list[Source] = []
    for source in sources:
        if taken := min(owed, source.free):
            parts.append(Source(source.payment_id, source.credit_note_id, taken))
            owed -= taken
    return parts


async def take_off(
    control: ControlTransaction, *, invoice_id: UUID, credit_note_id: UUID, now: datetime
) -> bool:
    """Let a new credit note pay what is owed of the invoice that it corrects; the rest of it is credit.

    True when all of the invoice is credited now.
    """
    owed = await open_of(control, invoice_id=invoice_id)
    gross: int = await control.fetchval("SELECT gross FROM platform.invoice WHERE id = $1", credit_note_id)
    if part := min(owed, gross):
        await _allocate(control, invoice_id, [Source(None, credit_note_id, part)], now=now)
    left = await left_of(control, invoice_id=invoice_id)
    if left.gross == 0:
        await control.fetch("UPDATE platform.invoice SET credited_at = $2 WHERE id = $1", invoice_id, now)
        return True
    if owed and part == owed:
        await control.fetch("UPDATE platform.invoice SET paid_at = $2 WHERE id = $1", invoice_id, now)
    return False


_PAID_BY = """
SELECT invoice_id, sum(amount)::bigint AS amount FROM platform.allocation WHERE {source} = $1
GROUP BY invoice_id HAVING sum(amount) <> 0 ORDER BY invoice_id
"""
_NOTES = "SELECT id FROM platform.invoice WHERE corrects = $1 ORDER BY issued_at, id"


async def give_back(control: ControlTransaction, *, payment_id: UUID, now: datetime) -> list[UUID]:
    """Take a payment out of the invoices that it paid; returns those that are owed again because of it.

    Credit notes of such an invoice pay it first, before anything else that their credit was used for: that is
    owed again then.
    """
    waiting: list[UUID] = []
    for row in await control.fetch(_PAID_BY.format(source="payment_id"), payment_id):
        await _allocate(control, row["invoice_id"], [Source(payment_id, None, -row["amount"])], now=now)
        waiting.append(row["invoice_id"])
    for invoice_id in waiting:  # grows on the way
        for note in await control.fetch(_NOTES, invoice_id):
            waiting += await _return_note(control, invoice_id, note["id"], now=now)
    again = await control.fetch(_OWED_AGAIN, waiting)
    return [row["id"] for row in again]


_OWED_AGAIN = """
UPDATE platform.invoice i SET paid_at = NULL
WHERE i.id = ANY($1) AND i.paid_at IS NOT NULL
  AND i.gross > coalesce((SELECT sum(a.amount) FROM platform.allocation a WHERE a.invoice_id = i.id), 0)
RETURNING i.id
"""


async def _return_note(
    control: ControlTransaction, invoice_id: UUID, note_id: UUID, *, now: datetime
) -> list[UUID]:
    """Let a credit note pay the invoice that it corrects; returns what else it had paid."""
    lost: list[UUID] = []
    if not (owed := await open_of(control, invoice_id=invoice_id)):
        return lost
    gross: int = await control.fetchval("SELECT gross FROM platform.invoice WHERE id = $1", note_id)
    own = 0
    for row in await control.fetch(_PAID_BY.format(source="credit_note_id"), note_id):
        if row["invoice_id"] == invoice_id:
            own = row["amount"]
            continue
        await _allocate(control, row["invoice_id"], [Source(None, note_id, -row["amount"])], now=now)
        lost.append(row["invoice_id"])
    if part := min(owed, gross - own):
        await _allocate(control, invoice_id, [Source(None, note_id, part)], now=now)
    return lost


async def _allocate(
    control: ControlTransaction, invoice_id: UUID, parts: Sequence[Source], *, now: datetime
) -> None:
    if parts:
        await control.fetch(
            _ALLOCATE,
            [new_id() for _ in parts],
            invoice_id,
            [part.payment_id for part in parts],
            [part.credit_note_id for part in parts],
            [part.free for part in parts],
            now,
        )
