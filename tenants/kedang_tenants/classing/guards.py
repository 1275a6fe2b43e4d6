"""What no write may do to classes, regions and places on the map, whoever writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.colours import READABLE, contrast_on_white
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.classing.models import OWN
from kedang_tenants.reading import Viewer

# Two lines that are each open may close together, so whoever bends one waits for who did it before.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('lines'), hashtext($1))"
_CLASSES_IN_USE = "SELECT DISTINCT class_id FROM classified_customer WHERE class_id = ANY($1::uuid[]) AND archived_at IS NULL"
_REGIONS_IN_USE = """
SELECT parent_id AS id FROM region
WHERE parent_id = ANY($1::uuid[]) AND archived_at IS NULL AND id <> ALL($1::uuid[])
UNION SELECT region_id FROM customer WHERE region_id = ANY($1::uuid[]) AND archived_at IS NULL
UNION SELECT region_id FROM route WHERE region_id = ANY($1::uuid[]) AND archived_at IS NULL
"""
# The lock is the one that the foreign key takes later: whoever puts a region away waits for it, and is waited for.
_NAMED_REGIONS = "SELECT id, archived_at FROM region WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE"
PAIRS: Final[Mapping[str, tuple[str, str]]] = {
    "customer": ("latitude", "longitude"),
    "route": ("start_latitude", "start_longitude"),
}


@prepares("customer_class")
async def guard_classes(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A class can be seen on a page, belongs to one dimension, and stays while customers are in it."""
    for draft in drafts:
        _guard_dimension(draft)
        colour = draft.values.get("colour")
        if isinstance(colour, str) and contrast_on_white(colour) < READABLE:
            draft.refuse(
                "colour",
                "COLOUR_UNREADABLE",
                msg("The colour {colour} is too light: nobody can tell it from a white page."),
                colour=colour,
            )
    used = await _used(write, drafts, _CLASSES_IN_USE, "class_id")
    for draft in used:
        draft.refuse(None, "CLASS_IN_USE", msg("There are customers in this class."))


def _guard_dimension(draft: Draft) -> None:
    if draft.action != "create":
        return
    own, named = draft.now("dimension") == OWN, draft.now("own_dimension") is not None
    if own and not named:
        draft.refuse("own_dimension", "REQUIRED", msg("This must be filled in."))
    elif named and not own:
        draft.refuse(
            "own_dimension", "NOT_OWN_DIMENSION", msg("Only a dimension of the company's own has a name.")
        )


@prepares("classified_customer")
async def take_dimension(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A customer's class stands in the dimension of the class; one that is no longer there is given to nobody."""
    put = [draft for draft in drafts if draft.values.get("class_id") is not None]
    if not put:
        return
    rows = await write.fetch(
        "SELECT id, dimension, own_dimension, archived_at FROM customer_class WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE",
        [draft.values["class_id"] for draft in put],
    )
    known = {row["id"]: row for row in rows}
    for draft in put:
        row = known[cast("UUID", draft.values["class_id"])]
        stays = draft.old is not None and draft.old["class_id"] == draft.values["class_id"]
        if row["archived_at"] is not None and not stays:
            draft.refuse("class_id", "CLASS_ARCHIVED", msg("This class is archived."))
        draft.values["dimension"] = dimension_key(row["dimension"], row["own_dimension"])


def dimension_key(dimension: str, own_dimension: str | None) -> str:
    """What tells a dimension from others: its code, and the name of one of the company's own."""
    return f"{OWN}:{own_dimension}" if dimension == OWN else dimension


@prepares("region")
async def guard_regions(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A region lies neither in itself nor in one of its own parts, and stays while something lies in it."""
    bent = [draft for draft in drafts if draft.values.get("parent_id") is not None]
    if bent:
        await write.fetchval(_ONE_AT_A_TIME, f"{write.company.schema}.region")
        archived = await _archived_regions(write, (draft.values["parent_id"] for draft in bent))
        rows = await write.fetch("SELECT id, parent_id FROM region")
        above: dict[UUID, UUID | None] = {row["id"]: row["parent_id"] for row in rows}
        above |= {d.id: cast("UUID | None", d.values["parent_id"]) for d in drafts if "parent_id" in d.values}
        for draft in bent:
            if _meets_itself(draft.id, above):
                _refuse_circle(draft, msg("The other region lies in this one already."))
            elif draft.values["parent_id"] in archived:
                _refuse_archived_region(draft, "parent_id")
    await _guard_return(write, [draft for draft in drafts if draft.action == "restore"])
    for draft in await _used(write, drafts, _REGIONS_IN_USE, "id"):
        draft.refuse(None, "REGION_IN_USE", msg("Customers, routes or other regions lie in this region."))


async def _guard_return(write: TenantWrite, restored: Sequence[Draft]) -> None:
    """A region comes back into one that is there, or comes back with it."""
    above = {draft.id: draft.now("parent_id") for draft in restored}
    if above:
        archived = await _archived_regions(write, above.values()) - above.keys()
        for draft in restored:
            if above[draft.id] in archived:
                _refuse_archived_region(draft, "parent_id")


def _meets_itself(start: UUID, above: Mapping[UUID, UUID | None]) -> bool:
    place = above.get(start)
    seen: set[UUID] = set()
    while place is not None and place not in seen:
        if place == start:
            return True
        seen.add(place)
        place = above.get(place)
    return False


async def _used(write: TenantWrite, drafts: Sequence[Draft], question: str, column: str) -> Iterable[Draft]:
    """Those of the drafts that archive what something else still points to."""
    archived = [draft for draft in drafts if draft.action == "archive"]
    if not archived:
        return ()
    used = {row[column] for row in await write.fetch(question, [draft.id for draft in archived])}
    return [draft for draft in archived if draft.id in used]


@prepares("customer")
async def guard_places_of_customers(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A place on the map has both its numbers; no customer is put into a region that is archived."""
    _guard_pairs(drafts)
    await _guard_living_regions(write, drafts)


@prepares("route")
async def guard_routes(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """As with customers; and a new route is whoever's made it, where nobody else is named."""
    for draft in drafts:
        if draft.action == "create" and draft.now("owner_id") is None:
            draft.values["owner_id"] = viewer.member_id
    _guard_pairs(drafts)
    await _guard_living_regions(write, drafts)


def _guard_pairs(drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        names = PAIRS[draft.record.name]
        if not any(name in draft.values for name in names):
            continue
        missing = [name for name in names if draft.now(name) is None]
        if len(missing) == 1:
            draft.refuse(
                missing[0],
                "COORDINATES_INCOMPLETE",
                msg("A place on the map has a latitude and a longitude."),
            )


async def _guard_living_regions(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    placed = [draft for draft in drafts if draft.values.get("region_id") is not None]
    if not placed:
        return
    archived = await _archived_regions(write, (draft.values["region_id"] for draft in placed))
    for draft in placed:
        changed = draft.old is None or draft.old.get("region_id") != draft.values["region_id"]
        if draft.values["region_id"] in archived and changed:
            _refuse_archived_region(draft, "region_id")


async def _archived_regions(write: TenantWrite, named: Iterable[object]) -> set[UUID]:
    """Which of these regions are archived; until what names them is written no other is."""
    rows = await write.fetch(_NAMED_REGIONS, sorted({cast("UUID", one) for one in named if one is not None}))
    return {row["id"] for row in rows if row["archived_at"] is not None}


def _refuse_circle(draft: Draft, message: str) -> None:
    draft.refuse("parent_id", "CIRCULAR", message)


def _refuse_archived_region(draft: Draft, field: str) -> None:
    draft.refuse(field, "REGION_ARCHIVED", msg("This region is archived."))
