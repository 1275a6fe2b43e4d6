"""The order in which a route's stops save the most way (G5): nearest neighbour, bettered by 2-opt.

The way is open: it begins at ``start``, or at a stop where none is said, and ends where it ends. Distances are those of a
great circle (Sinnott, "Virtues of the Haversine", 1984), not of roads. Both steps are those of Croes (1958): the next stop is
the nearest one left, then stretches are turned round as long as that makes the way shorter. The result is no worse than
the nearest neighbours' way, not always the best there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Final
from uuid import UUID

EARTH_KM: Final = 6371.0088
"""The mean radius of the earth (IUGG)."""
MOST_STOPS: Final = 200
"""How many stops a route has at the most."""

_GAIN = 1e-9  # km; rounding alone never turns a stretch round again


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the map, in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Stop:
    """A customer on the way; without a place its postal code, town and address say where it is."""

    id: UUID
    place: Place | None = None
    postal_code: str = ""
    address: str = ""
    town: str = ""


def distance_km(one: Place, other: Place) -> float:
    """The length of the great circle between two places."""
    latitude, beyond = radians(one.latitude), radians(other.latitude)
    north, east = beyond - latitude, radians(other.longitude - one.longitude)
    half = sin(north / 2) ** 2 + cos(latitude) * cos(beyond) * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def length_km(stops: Iterable[Stop], *, start: Place | None = None) -> float:
    """The length of the way through the stops in this order; stops without a place do not count."""
    places = [stop.place for stop in stops if stop.place is not None]
    if start is not None:
        places.insert(0, start)
    return sum(distance_km(one, other) for one, other in pairwise(places))


def ordered(stops: Iterable[Stop], *, start: Place | None = None) -> tuple[Stop, ...]:
    """The stops in an order that saves way, whatever order they come in.

    A stop without a place comes behind the last one of the same postal code, or else of the same town; where there is
    neither, at the end, by postal code, town and address, numbers in it as numbers. One without a postal code has the
    lowest that another stop of its town has.
    """
    given = list(stops)
    codes = _codes_of_towns(given)
    alike = sorted(
        (replace(stop, postal_code=stop.postal_code or codes.get(stop.town, "")) for stop in given),
        key=_place_in_text,
    )
    placed = [stop for stop in alike if stop.place is not None]
    way = _shortened(_nearest_first(placed, start), fixed=start is not None)
    as_given = {stop.id: stop for stop in given}
    return tuple(as_given[stop.id] for stop in _with_others(way[1:] if start is not None else way, alike))


def _codes_of_towns(stops: Iterable[Stop]) -> Mapping[str, str]:
    known = sorted(
        (stop for stop in stops if stop.town and stop.postal_code), key=lambda one: one.postal_code
    )
    return {stop.town: stop.postal_code for stop in reversed(known)}


def _place_in_text(stop: Stop) -> tuple[bool, str, bool, str, list[str | int], str]:
    """What is not known comes last."""
    numbered = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", stop.address)]
    return (not stop.postal_code, stop.postal_code, not stop.town, stop.town, numbered, stop.id.hex)


def _nearest_first(stops: Sequence[Stop], start: Place | None) -> list[Stop]:
    """The way to whichever stop is nearest next; the start stands first as a stop of its own."""
    left = list(stops)
    if start is not None:
        way = [Stop(_NOWHERE, start)]
    elif left:
        way = [_outermost(left)]
        left.remove(way[0])
    else:
        return []
    while left:
        here = _of(way[-1])
        nearest = min(left, key=lambda stop: distance_km(here, _of(stop)))
        left.remove(nearest)
        way.append(nearest)
    return way


_NOWHERE = UUID(int=0)


def _outermost(stops: Sequence[Stop]) -> Stop:
    """The stop farthest from the middle of all: an open way that begins in the middle goes back over itself."""
    middle = Place(
        sum(_of(stop).latitude for stop in stops) / len(stops),
        sum(_of(stop).longitude for stop in stops) / len(stops),
    )
    return max(stops, key=lambda stop: distance_km(middle, _of(stop)))


def _shortened(way: list[Stop], *, fixed: bool) -> list[Stop]:
    """2-opt: every stretch whose turning round makes the open way shorter is turned; a fixed start stays first."""
    apart = [[distance_km(_of(one), _of(other)) for other in way] for one in way]
    order = list(range(len(way)))
    while _turn_one_round(order, apart, first=1 if fixed else 0):
        pass
    return [way[place] for place in order]


def _turn_one_round(order: list[int], apart: list[list[float]], *, first: int) -> bool:
    """One pass over all stretches; whether any was turned."""
    turned, last = False, len(order) - 1
    for begin in range(first, last):
        for end in range(begin + 1, last + 1):
            gain = 0.0
            if begin > 0:
                before = order[begin - 1]
                gain += apart[before][order[begin]] - apart[before][order[end]]
            if end < last:
                after = order[end + 1]
                gain += apart[order[end]][after] - apart[order[begin]][after]
            if gain > _GAIN:
                order[begin : end + 1] = order[begin : end + 1][::-1]
                turned = True
    return turned


def _with_others(way: Sequence[Stop], alike: Sequence[Stop]) -> list[Stop]:
    """The way with the stops that have no place, each behind the last one of its postal code or town."""
    last_of = {stop.postal_code: stop.id for stop in way if stop.postal_code}
    last_in = {stop.town: stop.id for stop in way if stop.town}
    behind: dict[UUID | None, list[Stop]] = {}
    for stop in alike:
        if stop.place is None:
            nearest = last_of.get(stop.postal_code) or last_in.get(stop.town)
            behind.setdefault(nearest, []).append(stop)
    found = [one for stop in way for one in (stop, *behind.get(stop.id, ()))]
    return found + behind.get(None, [])


def _of(stop: Stop) -> Place:
    assert stop.place is not None
    return stop.place
