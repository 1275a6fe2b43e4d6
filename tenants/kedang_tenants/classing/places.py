"""Where customers are, as far as whoever asks may know."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.classing.ordering import Place, Stop
from kedang_tenants.reading import Lookup, Select, Viewer, read_lookup

_TOWN = ("country", "region", "city")
_FIELDS = ("latitude", "longitude", "postal_code", "address", *_TOWN)


async def places_of(read: TenantRead, viewer: Viewer, customer_ids: Sequence[UUID]) -> list[Stop]:
    """The customers that the viewer sees, in the order of the ids, each with what they may read of where it is."""
    found = await read_lookup(read, viewer, Lookup("customer", tuple(customer_ids), Select(fields=_FIELDS)))
    stops = []
    for row in found.page.rows:
        told = {name: row[place] for name, place in found.layout.fields.items()}
        known = told["latitude"] is not None and told["longitude"] is not None
        stops.append(
            Stop(
                id=row[found.layout.id],
                place=Place(float(told["latitude"]), float(told["longitude"])) if known else None,
                postal_code=told["postal_code"] or "",
                address=told["address"] or "",
                town=" ".join(told[name] for name in _TOWN if told[name]).casefold() if told["city"] else "",
            )
        )
    return stops
