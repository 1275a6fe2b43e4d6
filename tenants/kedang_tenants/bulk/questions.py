"""The question of a bulk export: what is listed, what is shown of it, which lists hang below.

It is stored as JSON when it is asked and read again by the job, which knows nothing of GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kedang_tenants.imports.stored_filters import decode_filter, encode_filter
from kedang_tenants.reading import Listing, Order, Page, Select

DEEPEST = 2
"""Levels of lists below the list that is exported."""

What = Literal["id", "type", "field", "one"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One key of a line: the id, the type's name, a field, or what is shown of a to-one relation."""

    key: str
    what: What
    name: str = ""
    inner: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """A list whose records become lines; ``below`` are the lists of each of its records."""

    listing: Listing
    shown: tuple[Shown, ...]
    below: tuple[Level, ...] = ()

    def listed(self) -> Iterator[str]:
        """The kinds of record that become lines."""
        yield self.listing.record
        for level in self.below:
            yield from level.listed()


def select_of(shown: tuple[Shown, ...]) -> Select:
    """What has to be read for these keys; always with the id."""
    fields = tuple(dict.fromkeys(one.name for one in shown if one.what == "field"))
    related: dict[str, tuple[Shown, ...]] = {}
    for one in shown:
        if one.what == "one":
            related[one.name] = (*related.get(one.name, ()), *one.inner)
    return Select(fields, tuple((name, select_of(inner)) for name, inner in related.items()))


def encode_level(level: Level) -> dict[str, Any]:
    """The question as JSON that ``decode_level`` reads."""
    listing = level.listing
    return {
        "record": listing.record,
        "relation": listing.relation,
        "where": encode_filter(listing.where),
        "order": [[o.field, o.descending, o.nulls_last, o.custom] for o in listing.order_by],
        "archived": listing.archived,
        "shown": [_encode_shown(one) for one in level.shown],
        "below": [encode_level(inner) for inner in level.below],
    }


def decode_level(stored: Mapping[str, Any]) -> Level:
    shown = tuple(_decode_shown(one) for one in stored["shown"])
    listing = Listing(
        record=stored["record"],
        select=select_of(shown),
        page=Page(1),
        where=decode_filter(stored["where"]),
        order_by=tuple(Order(*order) for order in stored["order"]),
        archived=stored["archived"],
        relation=stored["relation"],
        cursors=True,
    )
    return Level(listing, shown, tuple(decode_level(inner) for inner in stored["below"]))


def _encode_shown(one: Shown) -> dict[str, Any]:
    told: dict[str, Any] = {"key": one.key, "what": one.what, "name": one.name}
    return told | {"inner": [_encode_shown(inner) for inner in one.inner]} if one.inner else told


def _decode_shown(stored: Mapping[str, Any]) -> Shown:
    inner = tuple(_decode_shown(one) for one in stored.get("inner", ()))
    return Shown(stored["key"], stored["what"], stored["name"], inner)
