"""Reading: the statements of a request, level by level, inside the company's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import asyncpg

from kedang_platform.database import TenantRead
from kedang_tenants.reading.kept import listing_in_full
from kedang_tenants.reading.layout import Layout
from kedang_tenants.reading.planner import TOTAL_LIMIT, Plan, plan_listing, plan_lookup, plan_total
from kedang_tenants.reading.request import Listing, Lookup, Select
from kedang_tenants.reading.searching import fetch_root
from kedang_tenants.reading.viewer import Viewer
from kedang_tenants.reading.watching import tell

ChildKey = tuple[tuple[str, ...], str]


@dataclass(slots=True)
class PageOfRows:
    """The rows of one page in their order, and what lies beyond them."""

    rows: list[asyncpg.Record] = field(default_factory=list)
    has_next: bool = False
    has_previous: bool = False
    total: int = 0

    @property
    def total_is_exact(self) -> bool:
        return self.total <= TOTAL_LIMIT


@dataclass(slots=True)
class Read:
    """What a request brought: pages by parent id (None at the root), and the lists below.

    ``children`` are keyed by the path of to-one relations that leads to their parent and their name.
    """

    layout: Layout
    pages: dict[Any, PageOfRows]
    children: Mapping[ChildKey, Read]

    @property
    def page(self) -> PageOfRows:
        return self.pages[None]


async def read_listing(tx: TenantRead, viewer: Viewer, listing: Listing) -> Read:
    """The page that a listing asks for, with everything below it.

    Raises MaskedField, BadCursor, BadUserInput, NotFound for a kept filter that is not there; never returns what the viewer may not see.
    """
    return await _read_level(tx, viewer, listing, None)


async def read_lookup(tx: TenantRead, viewer: Viewer, lookup: Lookup) -> Read:
    """The records with these ids, in the order of the ids; those that are not for the viewer are missing."""
    plan = plan_lookup(viewer, lookup)
    found = {row[plan.layout.id]: row for row in await tx.fetch(plan.sql, *plan.values)}
    page = PageOfRows([found[wanted] for wanted in lookup.ids if wanted in found])
    tell(viewer, plan.layout, [page.rows])
    children = await _read_children(tx, viewer, lookup.select, plan.layout, [page])
    return Read(plan.layout, {None: page}, children)


async def _read_level(tx: TenantRead, viewer: Viewer, listing: Listing, parents: list[object] | None) -> Read:
    listing = await listing_in_full(tx, viewer, listing)
    pages: dict[Any, PageOfRows] = {
        parent: PageOfRows() for parent in ((None,) if parents is None else parents)
    }
    plan, rows = await _fetch_level(tx, viewer, listing, parents)
    _share_out(rows, pages, plan.parent)
    for page in pages.values():
        _trim(page, listing)
    tell(viewer, plan.layout, (page.rows for page in pages.values()))
    if listing.total:
        await _count(tx, viewer, listing, parents, pages)
    children = await _read_children(tx, viewer, listing.select, plan.layout, pages.values())
    return Read(plan.layout, pages, children)


async def _fetch_level(
    tx: TenantRead, viewer: Viewer, listing: Listing, parents: list[object] | None
) -> tuple[Plan, list[asyncpg.Record]]:
    if not listing.rows:
        return plan_listing(viewer, listing, parents), []
    if parents is None:
        return await fetch_root(tx, viewer, listing)
    plan = plan_listing(viewer, listing, parents)
    return plan, await tx.fetch(plan.sql, *plan.values) if parents else []


def _share_out(rows: list[asyncpg.Record], pages: dict[Any, PageOfRows], parent: int | None) -> None:
    if parent is None:
        pages[None].rows = rows
        return
    in_order = [page.rows for page in pages.values()]
    for position, run in groupby(rows, itemgetter(parent)):
        in_order[position - 1].extend(run)


def _trim(page: PageOfRows, listing: Listing) -> None:
    """Drop the row that was read only to know whether there are more; put a backward page in order."""
    limit, backward = listing.page.limit, listing.page.backward
    more = len(page.rows) > limit
    del page.rows[limit:]
    if backward:
        page.rows.reverse()
    page.has_next = listing.page.before is not None if backward else more
    page.has_previous = more if backward else listing.page.after is not None


async def _count(
    tx: TenantRead,
    viewer: Viewer,
    listing: Listing,
    parents: list[object] | None,
    pages: dict[Any, PageOfRows],
) -> None:
    plan = plan_total(viewer, listing, parents)
    for row in await tx.fetch(plan.sql, *plan.values):
        pages[None if plan.parent is None else row[plan.parent]].total = row[0]


async def _read_children(
    tx: TenantRead, viewer: Viewer, select: Select, layout: Layout, pages: Collection[PageOfRows]
) -> dict[ChildKey, Read]:
    children: dict[ChildKey, Read] = {}
    for path, place, key, listing in _lists_below(select, layout, ()):
        ids = [row[place] for page in pages for row in page.rows]
        parents = [found for found in dict.fromkeys(ids) if found is not None]
        children[path, key] = await _read_level(tx, viewer, listing, parents)
    return children


def _lists_below(
    select: Select, layout: Layout, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], int, str, Listing]]:
    for key, listing in select.many:
        yield path, layout.id, key, listing
    for name, inner in select.one:
        yield from _lists_below(inner, layout.one[name], (*path, name))
