"""What is to be read, said without SQL and without GraphQL: frozen, comparable, storable as JSON.

The gateway makes it of a selection; exports, reports and webhooks store it and read with it later,
with the rights that their person has then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Operator = Literal[
    "eq",
    "ne",
    "in",
    "not_in",
    "lt",
    "lte",
    "gt",
    "gte",
    "contains",
    "starts_with",
    "has",
    "is_null",
    "ending",
    "within",
]
Archived = Literal["EXCLUDE", "INCLUDE", "ONLY"]


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value of its kind; ``custom`` names one of the company's own fields instead."""

    field: str
    operator: Operator
    value: object
    custom: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true of everything when there is none."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; true of nothing when there is none."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class Related:
    """A related record that the viewer may see fulfils ``where``; over a to-many at least one does."""

    relation: str
    where: Filter


@dataclass(frozen=True, slots=True)
class Search:
    """The searchable fields contain every word of ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A filter over records of the kind ``over`` that the company keeps under an id; ``kept`` writes it out."""

    over: str
    id: UUID


Filter = Compare | All | AnyOf | Not | Related | Search | Kept
EVERYTHING = All(())


@dataclass(frozen=True, slots=True)
class Order:
    """One sort column; ``nulls_last`` holds for both directions as said."""

    field: str
    descending: bool = False
    nulls_last: bool = True
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A keyset page: ``limit`` records after, or before, a cursor. ``backward`` counts from the end."""

    limit: int
    after: str | None = None
    before: str | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """Which fields of a record are wanted, which to-one relations with it, which lists below it, and its id."""

    fields: tuple[str, ...] = ()
    one: tuple[tuple[str, Select], ...] = ()
    many: tuple[tuple[str, Listing], ...] = ()
    id: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of records: at the root, or of each parent when ``relation`` names the way there."""

    record: str
    select: Select
    page: Page
    where: Filter = EVERYTHING
    order_by: tuple[Order, ...] = ()
    archived: Archived = "EXCLUDE"
    relation: str | None = None
    rows: bool = True
    cursors: bool = False
    total: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """Records by their ids, in the order of the ids; what the viewer may not see is missing."""

    record: str
    ids: tuple[object, ...]
    select: Select = field(default_factory=Select)


ReadRequest = Listing | Lookup
