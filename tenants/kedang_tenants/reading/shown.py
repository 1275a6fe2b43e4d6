"""What is shown of a record, said without GraphQL: the keys of an answer and what stands behind each.

The gateway makes it of a selection. It is stored as JSON, and a job answers it later by ``showing``, which
knows nothing of GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kedang_tenants.reading.request import Listing, Order, Page, Select
from kedang_tenants.reading.stored import decode_filter, encode_filter

What = Literal[
    "id",
    "type",
    "field",
    "one",
    "list",
    # the company's own fields, and each of them: as it stands, or as an option of a choice that still has it
    "own",
    "own_field",
    "own_option",
    # the parts of a list, of an edge and of what is told about a page
    "nodes",
    "edges",
    "node",
    "cursor",
    "page",
    "total",
    "precision",
    "next",
    "previous",
    "start",
    "end",
]


@dataclass(frozen=True, slots=True)
class Shown:
    """One key of an answer: the id, a type's name, a field, or what is shown of records behind a relation.

    ``name`` is the field's (the id of an own field), the relation's or the type's; a list has a name of its own among all lists of the
    answer, and ``listing`` says what it holds. ``inner`` are the keys below.
    """

    key: str
    what: What
    name: str = ""
    inner: tuple[Shown, ...] = ()
    listing: Listing | None = None


def select_of(shown: Iterable[Shown]) -> Select:
    """What has to be read for these keys; always with the id."""
    fields: dict[str, None] = {}
    related: dict[str, tuple[Shown, ...]] = {}
    lists: list[tuple[str, Listing]] = []
    for one in shown:
        if one.what == "field":
            fields[one.name] = None
        elif one.what == "one":
            related[one.name] = (*related.get(one.name, ()), *one.inner)
        elif one.what == "own":
            if any(inner.what != "type" for inner in one.inner):
                fields["custom"] = None
        elif one.listing is not None:
            lists.append((one.name, one.listing))
    single = tuple((name, select_of(inner)) for name, inner in related.items())
    return Select(tuple(fields), single, tuple(lists))


def records_in(parts: Iterable[Shown]) -> tuple[Shown, ...]:
    """All keys that the parts of a list show of its records."""
    found: list[Shown] = []
    for part in parts:
        if part.what in {"nodes", "node"}:
            found += part.inner
        elif part.what == "edges":
            found += records_in(part.inner)
    return tuple(found)


def encode_shown(one: Shown) -> dict[str, Any]:
    """The key as JSON that ``decode_shown`` reads."""
    told: dict[str, Any] = {"key": one.key, "what": one.what, "name": one.name}
    if one.inner:
        told["inner"] = [encode_shown(inner) for inner in one.inner]
    if one.listing is not None:
        told["listing"] = {**encode_listing(one.listing), **_encode_page(one.listing)}
    return told


def decode_shown(stored: Mapping[str, Any]) -> Shown:
    inner = tuple(decode_shown(one) for one in stored.get("inner", ()))
    told = stored.get("listing")
    listing = None
    if told is not None:
        page = Page(**told["page"])
        flags = {name: told[name] for name in _FLAGS}
        listing = decode_listing(told, select_of(records_in(inner)), page=page, **flags)
    return Shown(stored["key"], stored["what"], stored["name"], inner, listing)


def encode_listing(listing: Listing) -> dict[str, Any]:
    """Which records a listing is of and in which order, as JSON; what is selected and the page are not among it."""
    return {
        "record": listing.record,
        "relation": listing.relation,
        "where": encode_filter(listing.where),
        "order": [[o.field, o.descending, o.nulls_last, o.custom] for o in listing.order_by],
        "archived": listing.archived,
    }


def decode_listing(
    stored: Mapping[str, Any],
    select: Select,
    *,
    page: Page,
    rows: bool = True,
    cursors: bool = False,
    total: bool = False,
) -> Listing:
    """The listing that ``encode_listing`` made JSON of, with what is selected of it and the page."""
    return Listing(
        record=stored["record"],
        select=select,
        page=page,
        where=decode_filter(stored["where"]),
        order_by=tuple(Order(*order) for order in stored["order"]),
        archived=stored["archived"],
        relation=stored["relation"],
        rows=rows,
        cursors=cursors,
        total=total,
    )


_FLAGS = ("rows", "cursors", "total")


def _encode_page(listing: Listing) -> dict[str, Any]:
    page = listing.page
    told = {"limit": page.limit, "after": page.after, "before": page.before, "backward": page.backward}
    return {"page": told, "rows": listing.rows, "cursors": listing.cursors, "total": listing.total}
