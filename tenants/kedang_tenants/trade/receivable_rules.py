"""The rules of receivables that hold in every write: what is paid, what is open, since when it is settled (P4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, cast
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.receivables import CANCELLED, OPEN, PAID

_COUNTS: Final = frozenset({"amount", "cancelled_on"})
_LAST_PAYMENTS: Final = """
SELECT invoice_id, max(received_on) AS last_on FROM payment
WHERE invoice_id = ANY($1::uuid[]) AND archived_at IS NULL GROUP BY invoice_id
"""


@prepares("invoice")
async def guard_invoices(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """An invoice is due when it is issued where nothing is said; less than was paid is not asked for."""
    today = viewer.today(clock)
    for draft in drafts:
        _not_in_future(draft, "cancelled_on", today)
        if not draft.now("currency"):
            draft.values["currency"] = viewer.currency
        if draft.now("due_on") is None:
            draft.values["due_on"] = draft.now("issued_on")
        _check_days(draft)
        if draft.action == "create" or _COUNTS & draft.values.keys():
            _settle(draft)
    await _name_the_day(write, drafts)
    await same_customer(write, drafts, "order_id", "sales_order")


async def _name_the_day(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    """Where less is asked for, so that what was paid is enough, the last payment has settled the invoice."""
    settled = [draft for draft in drafts if draft.values.get("state") == PAID and draft.now("paid")]
    if not settled:
        return
    rows = await write.fetch(_LAST_PAYMENTS, [draft.id for draft in settled])
    days = {row["invoice_id"]: row["last_on"] for row in rows}
    for draft in settled:
        draft.values["settled_on"] = days.get(draft.id)


def _not_in_future(draft: Draft, name: str, today: date) -> None:
    day = cast("date | None", draft.values.get(name))
    if day is not None and day > today:
        draft.refuse(name, "IN_THE_FUTURE", msg("This lies in the future."))


def _check_days(draft: Draft) -> None:
    issued = cast("date | None", draft.now("issued_on"))
    for name in ("due_on", "cancelled_on"):
        day = cast("date | None", draft.now(name))
        if issued is not None and day is not None and day < issued:
            draft.refuse(name, "BEFORE_IT_WAS_ISSUED", msg("This cannot be before the invoice was issued."))


def _settle(draft: Draft) -> None:
    amount, paid = cast("int", draft.now("amount")), cast("int", draft.now("paid"))
    if paid > amount:
        draft.refuse("amount", "LESS_THAN_PAID", msg("More than this was paid already."))
        return
    if draft.now("cancelled_on") is not None:
        draft.values |= {"state": CANCELLED, "open_amount": 0}
        return
    draft.values |= {"state": OPEN if paid < amount else PAID, "open_amount": amount - paid}
    if paid < amount:
        draft.values["settled_on"] = None


@prepares("payment")
async def guard_payments(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """No more comes in than is open, and no more is given back than came in; nothing for what was cancelled."""
    invoices = await _locked_invoices(write, _invoice_ids(drafts))
    paid = {invoice: cast("int", row["paid"]) for invoice, row in invoices.items()}
    today = viewer.today(clock)
    for draft in drafts:
        _not_in_future(draft, "received_on", today)
        if draft.now("amount") == 0:
            draft.refuse("amount", "OUT_OF_RANGE", msg("A payment is not zero."))
        _check_amount(draft, invoices[cast("UUID", draft.now("invoice_id"))], paid)


def _check_amount(draft: Draft, invoice: asyncpg.Record, paid: dict[UUID, int]) -> None:
    """Whether the invoice's payments stay between nothing and its amount; later drafts count on what this one leaves."""
    grows = _counted(draft) - _counted_before(draft)
    if not grows or draft.refused:
        return
    if invoice["state"] == CANCELLED and grows > 0:
        draft.refuse("invoice_id", "INVOICE_CANCELLED", msg("The invoice was cancelled."))
    elif paid[invoice["id"]] + grows > invoice["amount"]:
        draft.refuse("amount", "MORE_THAN_OPEN", msg("This is more than is open of the invoice."))
    elif paid[invoice["id"]] + grows < 0:
        draft.refuse("amount", "MORE_THAN_PAID", msg("More would be given back than was paid."))
    else:
        paid[invoice["id"]] += grows


def _counted(draft: Draft) -> int:
    return 0 if draft.now("archived_at") is not None else cast("int", draft.now("amount"))


def _counted_before(draft: Draft) -> int:
    old = draft.old
    return 0 if old is None or old["archived_at"] is not None else cast("int", old["amount"])


def _invoice_ids(drafts: Iterable[Draft]) -> list[UUID]:
    return sorted({cast("UUID", draft.now("invoice_id")) for draft in drafts})


async def _locked_invoices(write: TenantWrite, ids: list[UUID]) -> dict[UUID, asyncpg.Record]:
    """Invoices, locked so that their payments are added up by one transaction at a time."""
    if not ids:
        return {}
    rows = await write.fetch(
        "SELECT id, amount, paid, state FROM invoice WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        ids,
    )
    return {row["id"]: row for row in rows}


_ADD_UP: Final = """
UPDATE invoice i SET paid = s.paid, updated_at = $2,
    open_amount = CASE WHEN i.cancelled_on IS NULL THEN i.amount - s.paid ELSE 0 END,
    state = CASE WHEN i.cancelled_on IS NOT NULL THEN 'CANCELLED' WHEN s.paid >= i.amount THEN 'PAID' ELSE 'OPEN' END,
    settled_on = CASE WHEN s.paid >= i.amount THEN s.last_on END
FROM (
    SELECT asked.id, coalesce(sum(p.amount), 0)::bigint AS paid, max(p.received_on) AS last_on
    FROM unnest($1::uuid[]) AS asked(id)
    LEFT JOIN payment p ON p.invoice_id = asked.id AND p.archived_at IS NULL
    GROUP BY asked.id
) s
WHERE i.id = s.id
"""


@afterwards("payment")
async def add_up(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Keep what is paid of the invoices concerned right; ``guard_payments`` has locked them.

    It follows from the payments, whose audit rows tell the change: it makes no version of its own.
    """
    if drafts:
        await write.fetch(_ADD_UP, _invoice_ids(drafts), clock.now())
