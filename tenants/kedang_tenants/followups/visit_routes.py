"""The order of a day's visits (F2): as short a way as can be, around the visits that have their time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.classing.ordering import MOST_STOPS, Place, Stop, distance_km, length_km, ordered
from kedang_tenants.classing.places import places_of
from kedang_tenants.reading import Viewer

_VISITS: Final = """
SELECT id, customer_id, at_time FROM follow_up_plan
WHERE visit_form_id = $1 AND archived_at IS NULL AND state = 'PLANNED'
ORDER BY at_time NULLS LAST, visit_position NULLS LAST, id FOR UPDATE
"""


async def plan_visit_route(
    write: TenantWrite,
    viewer: Viewer,
    *,
    form_id: UUID,
    start: Place | None = None,
    clock: Clock,
) -> float:
    """Put the visits of a form that are still to be made into the order of a short way; its length in kilometres.

    Visits that have a time keep their order among themselves, the others lie between them where they lengthen the way
    least. Positions are moved by hand afterwards. Of customers whose place the viewer may not know postal code and
    address count as unknown. Raises NotFound, Forbidden, Archived, Refused for more than 200 visits.
    """
    await hold_for_change(write, viewer, "visit_form", form_id)
    visits = await write.fetch(_VISITS, form_id)
    if len(visits) > MOST_STOPS:
        message = msg("At most {limit} entries are allowed here.")
        raise Refused([UserError("TOO_MANY", message, ("input", "id"), {"limit": MOST_STOPS})])
    customers = list(dict.fromkeys(visit["customer_id"] for visit in visits))
    known = {stop.id: stop for stop in await places_of(write, viewer, customers)}
    stops = [_stop(visit, known) for visit in visits]
    timed = [stop for stop, visit in zip(stops, visits, strict=True) if visit["at_time"]]
    free = [stop for stop, visit in zip(stops, visits, strict=True) if not visit["at_time"]]
    way = in_order(timed, free, start=start)
    changes = [
        Change("follow_up_plan", "update", stop.id, values={"visit_position": place})
        for place, stop in enumerate(way, 1)
    ]
    await change(write, viewer, changes, clock=clock)
    return length_km(way, start=start)


def _stop(visit: Any, known: dict[UUID, Stop]) -> Stop:
    """Where a visit is: a stop of its own, as a customer may be visited twice a day."""
    at = known.get(visit["customer_id"])
    if at is None:
        return Stop(visit["id"])
    return Stop(visit["id"], at.place, at.postal_code, at.address, at.town)


def in_order(timed: Sequence[Stop], free: Sequence[Stop], *, start: Place | None) -> tuple[Stop, ...]:
    """Stops with a time in the order in which they come, the others where they lengthen the way least.

    Where none has a time it is the shortest way that ``ordered`` finds.
    """
    way = list(timed)
    if not way:
        return ordered(free, start=start)
    for stop in ordered(free, start=start):
        way.insert(_least_detour(way, stop, start), stop)
    return tuple(way)


def _least_detour(way: Sequence[Stop], stop: Stop, start: Place | None) -> int:
    """Where in a way a stop lengthens it least; at its end where nobody knows where the stop is."""
    if stop.place is None:
        return len(way)
    places = [one.place for one in way]
    befores = _last_known([start, *places])
    afters = _last_known([None, *reversed(places)])[::-1]
    return min(range(len(way) + 1), key=lambda at: _detour(befores[at], stop.place, afters[at]))


def _last_known(places: Sequence[Place | None]) -> list[Place | None]:
    found: list[Place | None] = []
    for place in places:
        found.append(place or (found[-1] if found else None))
    return found


def _detour(before: Place | None, place: Place | None, after: Place | None) -> float:
    """How much longer the way between two places becomes by a third; at an open end there is nothing to leave out."""
    return _apart(before, place) + _apart(place, after) - _apart(before, after)


def _apart(one: Place | None, other: Place | None) -> float:
    return distance_km(one, other) if one is not None and other is not None else 0.0
