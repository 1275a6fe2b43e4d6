"""Which way a search takes: by the index on n-grams, or by walking the order (docs/adr/0004-search.md)."""

from __future__ import annotations

from typing import Final

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.search_frequency import CommonTokens
from kedang_platform.search_text import query_tokens
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading.planner import Plan, Way, plan_listing
from kedang_tenants.reading.request import All, Compare, Filter, Listing, Search
from kedang_tenants.reading.viewer import Viewer

# What is common changes slowly and is the same for all readers of a company: one memory for the process.
_COMMON: Final = CommonTokens()


async def fetch_root(tx: TenantRead, viewer: Viewer, listing: Listing) -> tuple[Plan, list[asyncpg.Record]]:
    """The rows of a page at the root, one more than its limit, by the way that is quick for it."""
    record = catalogue().record(listing.record)
    if _is_by_ending(listing.where):
        return await _fetch(tx, plan_listing(viewer, listing, way=Way.FOUND))
    tokens = _searched_tokens(listing.where)
    if tokens is None or not record.searchable:
        return await _fetch(tx, plan_listing(viewer, listing))
    if _is_walkable(record, listing) and await _COMMON.are_common(
        tx, tokens, table=record.table.name, column="search_tokens"
    ):
        plan, rows = await _fetch(tx, plan_listing(viewer, listing, way=Way.WALKED))
        if len(rows) > listing.page.limit:
            return plan, rows
        return await _fetch(tx, plan_listing(viewer, listing, way=Way.COMBINED))
    return await _fetch(tx, plan_listing(viewer, listing, way=Way.FOUND))


async def _fetch(tx: TenantRead, plan: Plan) -> tuple[Plan, list[asyncpg.Record]]:
    return plan, await tx.fetch(plan.sql, *plan.values)


def _searched_tokens(where: Filter) -> list[str] | None:
    """The n-grams that every row must have; None when the filter does not search every row."""
    parts = where.parts if isinstance(where, All) else (where,)
    searches = [part for part in parts if isinstance(part, Search)]
    if not searches:
        return None
    return [token for search in searches for word in search.text.split() for token in query_tokens(word)]


def _is_by_ending(where: Filter) -> bool:
    parts = where.parts if isinstance(where, All) else (where,)
    return any(isinstance(part, Compare) and part.operator == "ending" for part in parts)


def _is_walkable(record: RecordType, listing: Listing) -> bool:
    """Whether an index brings the rows in the order that is asked for: people's order of names."""
    fields = [order.field for order in listing.order_by] or list(record.order)
    if len(fields) != 1 or any(order.descending or order.custom for order in listing.order_by):
        return False
    field = record.fields.get(fields[0])
    return field is not None and field.spec.sort_key == "name_sort"
