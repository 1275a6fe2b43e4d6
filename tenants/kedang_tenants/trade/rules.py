"""The rules of trade that hold in every write: currencies, positions, amounts of lines, totals and profits of orders."""

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
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.trade.tiers import profit_tiers

_PRICED_BY = frozenset({"quantity", "unit_price", "discount"})
_COSTED_BY = _PRICED_BY | {"product_id", "unit_cost"}
_LARGEST = MoneyKind().maximum
_PRICES = ("list_price", "cost", "floor_price")
_LOWEST_MARGIN = Decimal(-999_999)
_NO_DISCOUNT = Decimal(0)


@prepares("product")
async def value_products(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A price is one in the company's currency where none is said; margin and profit tier follow from price and cost."""
    tiers = await profit_tiers(write)
    for draft in drafts:
        priced = any(draft.now(name) is not None for name in _PRICES)
        if priced and draft.now("currency") is None:
            draft.values["currency"] = viewer.currency
        price, cost = (cast("Decimal | None", draft.now(name)) for name in ("list_price", "cost"))
        margin = margin_of(price, cost)
        if margin != draft.now("margin"):
            draft.values |= {"margin": margin, "profit_tier": tiers.of(margin)}


def margin_of(price: Decimal | None, cost: Decimal | None) -> Decimal | None:
    """What a price leaves over the cost, as a fraction of the price with 6 digits, at least -999,999; None: unknown."""
    if price is None or cost is None or not price:
        return None
    return max(_LOWEST_MARGIN, round((price - cost) / price, 6))


@prepares("order")
async def name_the_currency_of_orders(
    _write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """An order is in the company's currency where none is said."""
    for draft in drafts:
        if not draft.now("currency"):
            draft.values["currency"] = viewer.currency


@prepares("order_line")
async def price_lines(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Give new lines their positions, and every line its amount, cost and profit in the currency of its order."""
    orders = await _locked_orders(write, _order_ids(drafts))
    await _number(write, [draft for draft in drafts if draft.action == "create"])
    _refuse_costs(viewer, drafts)
    await _take_costs(write, drafts, orders)
    for draft in drafts:
        if draft.action == "create" or _PRICED_BY & draft.values.keys():
            _price(draft, orders)
        if not draft.refused and (draft.action == "create" or _COSTED_BY & draft.values.keys()):
            _gain(draft, orders)


def _refuse_costs(viewer: Viewer, drafts: Sequence[Draft]) -> None:
    """Whoever may read no costs says none either: a profit would be whatever they like."""
    if viewer.on("order_line").sensitive.get("cost", Scope.NONE) is not Scope.NONE:
        return
    for draft in drafts:
        if draft.values.get("unit_cost") is not None:
            draft.refuse("unit_cost", "FORBIDDEN", msg("You may not change this field."))


async def _take_costs(write: TenantWrite, drafts: Sequence[Draft], orders: Mapping[UUID, str]) -> None:
    """Put in what a product costs now where a line is new, or of another product, and says nothing itself.

    A cost in another currency than the order's is none that could be counted.
    """
    silent = [draft for draft in drafts if _is_silent(draft)]
    if not silent:
        return
    rows = await write.fetch(
        "SELECT id, cost, currency FROM product WHERE id = ANY($1::uuid[])",
        sorted({cast("UUID", draft.now("product_id")) for draft in silent}),
    )
    costs = {(row["id"], row["currency"]): row["cost"] for row in rows}
    for draft in silent:
        currency = orders[cast("UUID", draft.now("order_id"))]
        draft.values["unit_cost"] = costs.get((cast("UUID", draft.now("product_id")), currency))


def _is_silent(draft: Draft) -> bool:
    if draft.old is None:
        return draft.values.get("unit_cost") is None
    other = draft.now("product_id") != draft.old["product_id"]  # a file says the same one again
    return other and "unit_cost" not in draft.values


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


def _gain(draft: Draft, orders: Mapping[UUID, str]) -> None:
    """What the line leaves over its cost; unknown where the cost is."""
    cost = cast("Decimal | None", draft.now("unit_cost"))
    if cost is None:
        draft.values["profit"] = None
        return
    try:
        spent = line_amount(
            quantity=cast("Decimal", draft.now("quantity")),
            unit_price=cost,
            discount=_NO_DISCOUNT,
            currency=orders[cast("UUID", draft.now("order_id"))],
        )
    except AmountOutOfRange as error:
        draft.refuse("unit_cost", error.code, error.message)
        return
    profit = cast("int", draft.now("amount")) - spent
    if abs(profit) > _LARGEST:
        draft.refuse("unit_cost", AmountOutOfRange.code, msg("The amount is too large."))
    draft.values["profit"] = profit


_ADD_UP = """
UPDATE sales_order o SET total = s.total, profit = s.profit, updated_at = $2
FROM (
    SELECT asked.id, coalesce(sum(l.amount), 0)::bigint AS total,
           CASE WHEN count(l.id) = count(l.profit) THEN coalesce(sum(l.profit), 0)::bigint END AS profit
    FROM unnest($1::uuid[]) AS asked(id)
    LEFT JOIN order_line l ON l.order_id = asked.id AND l.archived_at IS NULL
    GROUP BY asked.id
) s
WHERE o.id = s.id AND (o.total <> s.total OR o.profit IS DISTINCT FROM s.profit)
"""


@afterwards("order_line")
async def add_up(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Keep totals and profits of the orders concerned right; ``price_lines`` has locked them.

    A total follows from its lines, whose audit rows tell the change: it makes no version of its own.
    """
    if drafts:
        await write.fetch(_ADD_UP, _order_ids(drafts), clock.now())
