"""Which customers a route passes in which order: set by hand, moved by hand, or as the product proposes it (G5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change, change_internally, visible_record
from kedang_tenants.classing.ordering import MOST_STOPS, Place, Stop, distance_km, length_km, ordered
from kedang_tenants.classing.places import places_of
from kedang_tenants.reading import Viewer

_STOPS: Final = """
SELECT id, customer_id, position FROM route_stop WHERE route_id = $1 AND archived_at IS NULL ORDER BY position, id
"""
# The stops are the route: whoever saw others than there are is told so, as with any field of it.
_MOVED: Final = "UPDATE route SET version = version + 1, updated_at = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class ProposedStop:
    """A stop of a proposal; ``km`` is the way from the one before, None where either has no place on the map."""

    customer_id: UUID
    km: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A route's stops in the order that saves way; lengths are great circles in km, over stops with a place."""

    stops: tuple[ProposedStop, ...]
    km: float
    km_now: float
    without_place: int


async def propose(read: TenantRead, viewer: Viewer, *, route_id: UUID) -> Proposal:
    """The order that would save the most way, and how long it is now; raises NotFound."""
    if not await visible_record(read, viewer, catalogue().record("route"), route_id):
        raise NotFound(msg("There is no such record."), path=("id",))
    start, now = await _start_of(read, route_id), await _stops_of(read, viewer, route_id)
    proposed = ordered(now, start=start)
    return Proposal(
        stops=tuple(_with_way(proposed, start)),
        km=length_km(proposed, start=start),
        km_now=length_km(now, start=start),
        without_place=sum(stop.place is None for stop in now),
    )


def _with_way(stops: Sequence[Stop], start: Place | None) -> list[ProposedStop]:
    told, before = [], start
    for stop in stops:
        km = distance_km(before, stop.place) if before is not None and stop.place is not None else None
        told.append(ProposedStop(stop.id, km))
        before = stop.place or before
    return told


async def order_route(
    write: TenantWrite, viewer: Viewer, *, route_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Put a route's stops into the proposed order; raises Refused for a route that is not the viewer's to change."""
    await _hold(write, viewer, route_id, version, clock)
    proposed = ordered(await _stops_of(write, viewer, route_id), start=await _start_of(write, route_id))
    await _pass(write, viewer, route_id, [stop.id for stop in proposed], clock)


async def set_stops(
    write: TenantWrite,
    viewer: Viewer,
    *,
    route_id: UUID,
    customer_ids: Sequence[UUID],
    version: int | None = None,
    clock: Clock,
) -> None:
    """Have a route pass these customers in this order, and no others; raises BadUserInput and Refused."""
    if len(customer_ids) > MOST_STOPS:
        raise BadUserInput(
            msg("At most {limit} entries are allowed here."), path=("input", "customerIds"), limit=MOST_STOPS
        )
    for place, customer in enumerate(customer_ids):
        if customer in customer_ids[:place]:
            wrong = UserError(
                "TWICE", msg("This customer is on the route already."), ("input", "customerIds", place)
            )
            raise Refused([wrong])
    await _hold(write, viewer, route_id, version, clock)
    await _pass(write, viewer, route_id, customer_ids, clock)


async def move_stop(
    write: TenantWrite, viewer: Viewer, *, stop_id: UUID, position: int, clock: Clock
) -> UUID:
    """Put a stop at a position of its route, counted from 1; those behind it follow. Returns the route's id.

    Beyond the last one means the last. Raises NotFound, BadUserInput, Refused.
    """
    if not await visible_record(write, viewer, catalogue().record("route_stop"), stop_id):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if position < 1:
        raise BadUserInput(msg("Positions are counted from 1."), path=("input", "position"))
    route_id: UUID = await write.fetchval("SELECT route_id FROM route_stop WHERE id = $1", stop_id)
    await _hold(write, viewer, route_id, None, clock)
    rows = await write.fetch(_STOPS, route_id)
    order = [row["customer_id"] for row in rows if row["id"] != stop_id]
    moved = next((row["customer_id"] for row in rows if row["id"] == stop_id), None)
    if moved is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    order.insert(position - 1, moved)
    await _pass(write, viewer, route_id, order, clock)
    return route_id


async def _hold(
    write: TenantWrite, viewer: Viewer, route_id: UUID, version: int | None, clock: Clock
) -> None:
    """Lock a living route that the viewer may change; a change of nothing asks for all of that."""
    await change(write, viewer, [Change("route", "update", route_id, version)], clock=clock)


async def _pass(
    write: TenantWrite, viewer: Viewer, route_id: UUID, customer_ids: Sequence[UUID], clock: Clock
) -> None:
    """Make the rows of a route those of the customers in this order."""
    rows = await write.fetch(_STOPS, route_id)
    known: dict[UUID, asyncpg.Record] = {row["customer_id"]: row for row in rows}
    gone = [row["id"] for row in rows if row["customer_id"] not in set(customer_ids)]
    moved, new = [], []
    for position, customer in enumerate(customer_ids, start=1):
        row = known.get(customer)
        path = ("input", "customerIds", position - 1)
        if row is None:
            values = {"route_id": route_id, "customer_id": customer, "position": position}
            new.append(Change("route_stop", "create", values=values, path=path))
        elif row["position"] != position:
            moved.append(Change("route_stop", "update", row["id"], values={"position": position}, path=path))
    ended = [Change("route_stop", "archive", stop) for stop in gone]
    changes = [*ended, *moved, *new]
    await change_internally(write, viewer, changes, clock=clock)
    if changes:
        await write.fetch(_MOVED, route_id, clock.now())


async def _start_of(read: TenantRead, route_id: UUID) -> Place | None:
    row = await read.fetchrow("SELECT start_latitude, start_longitude FROM route WHERE id = $1", route_id)
    if row is None or row["start_latitude"] is None:
        return None
    return Place(float(row["start_latitude"]), float(row["start_longitude"]))


async def _stops_of(read: TenantRead, viewer: Viewer, route_id: UUID) -> list[Stop]:
    """The stops as they stand; of a customer that the viewer does not see it is not known where it is."""
    ids = [row["customer_id"] for row in await read.fetch(_STOPS, route_id)]
    seen = {stop.id: stop for stop in await places_of(read, viewer, ids)}
    return [seen.get(customer, Stop(customer)) for customer in ids]
