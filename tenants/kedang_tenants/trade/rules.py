"""The rules of trade that hold in every write: currencies, positions, amounts of lines, totals of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.money import AmountOutOfRange, line_amount
from kedang_tenants.catalogue import MoneyKind
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.reading import Viewer

_PRICED_BY = frozenset({"quantity", "unit_price", "discount"})
_LARGEST = MoneyKind().maximum


@prepares("product")
async def name_the_currency_of_prices(
    _write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A price is one in the company's currency where none is said."""
    for draft in drafts:
        priced = draft.now("list_price") is not None or draft.now("cost") is not None
        if priced and draft.now("currency") is None:
            draft.values["currency"] = viewer.currency


@prepares("order")
async def name_the_currency_of_orders(
    _write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """An order is in the company's currency where none is said."""
    for draft in drafts:
        if not draft.now("currency"):
            draft.values["currency"] = viewer.currency


@prepares("order_line")
async def price_lines(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Give new lines their positions and every line its amount, in the currency of its order."""
    orders = await _locked_orders(write, _order_ids(drafts))
    await _number(write, [draft for draft in drafts if draft.action == "create"])
    for draft in drafts:
        if draft.action == "create" or _PRICED_BY & draft.values.keys():
            _price(draft, orders)


def _order_ids(drafts: Iterable[Draft]) -> list[UUID]:
    return sorted({cast("UUID", draft.now("order_id")) for draft in drafts})


async def _locked_orders(write: TenantWrite, ids: list[UUID]) -> Mapping[UUID, str]:
    """The currencies of orders, locked so that their totals are added up by one transaction at a time."""
    if not ids:
        return {}
    rows = await write.fetch(
        "SELECT id, currency FROM sales_order WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", ids
    )
    return {row["id"]: row["currency"] for row in rows}


async def _number(write: TenantWrite, drafts: list[Draft]) -> None:
    """Put lines without a position behind the lines that their order has."""
    unnumbered = [draft for draft in drafts if not draft.values.get("position")]
    if not unnumbered:
        return
    rows = await write.fetch(
        "SELECT order_id, max(position) AS last FROM order_line"
        " WHERE order_id = ANY($1::uuid[]) AND archived_at IS NULL GROUP BY order_id",
        _order_ids(unnumbered),
    )
    last: dict[object, int] = defaultdict(int, {row["order_id"]: row["last"] for row in rows})
    for draft in drafts:
        order = draft.values["order_id"]
        last[order] = max(last[order], cast("int", draft.values.get("position") or 0))
    for draft in unnumbered:
        last[draft.values["order_id"]] += 1
        draft.values["position"] = last[draft.values["order_id"]]


def _price(draft: Draft, orders: Mapping[UUID, str]) -> None:
    try:
        amount = line_amount(
            quantity=cast("Decimal", draft.now("quantity")),
            unit_price=cast("Decimal", draft.now("unit_price")),
            discount=cast("Decimal", draft.now("discount")),
            currency=orders[cast("UUID", draft.now("order_id"))],
        )
    except AmountOutOfRange as error:
        draft.refuse("quantity", error.code, error.message)
        return
    if amount > _LARGEST:
        draft.refuse("quantity", AmountOutOfRange.code, msg("The amount is too large."))
    draft.values["amount"] = amount


_ADD_UP = """
UPDATE sales_order o SET total = s.total, updated_at = $2
FROM (
    SELECT asked.id, coalesce(sum(l.amount), 0)::bigint AS total
    FROM unnest($1::uuid[]) AS asked(id)
    LEFT JOIN order_line l ON l.order_id = asked.id AND l.archived_at IS NULL
    GROUP BY asked.id
) s
WHERE o.id = s.id AND o.total <> s.total
"""


@afterwards("order_line")
async def add_up(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Keep the totals of the orders concerned right; ``price_lines`` has locked them.

    A total follows from its lines, whose audit rows tell the change: it makes no version of its own.
    """
    if drafts:
        await write.fetch(_ADD_UP, _order_ids(drafts), clock.now())
