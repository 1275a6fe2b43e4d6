"""Filters that a company keeps under a name, put in the place of what names them at the moment of reading.

A feature whose records keep filters says so by ``keeps_filters``. What is kept counts as if whoever reads had written it
out: with their rights, within the bounds of any filter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.reading.errors import CircularFilter
from kedang_tenants.reading.request import All, AnyOf, Filter, Kept, Listing, Not, Related
from kedang_tenants.reading.viewer import Viewer

DEEPEST: Final = 10
"""How many relations and kept filters may lie in one another where a kept filter is among them."""
MOST_PARTS: Final = 2_000
"""How many conditions all kept filters of one filter may bring together, each counted as often as it is named."""
MOST_KEPT: Final = 100
"""How many kept filters one filter may name, those named by others among them."""

Find = Callable[[TenantRead, Viewer, Collection[UUID]], Awaitable[Mapping[UUID, Filter]]]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Records that keep filters ``over`` records of another kind; ``find`` brings those that a viewer may name."""

    record: str
    over: str
    description: str
    find: Find


_KEEPERS: dict[str, Keeper] = {}


def keeps_filters(record: str, *, over: str, description: str) -> Callable[[Find], Find]:
    """Declare that records of a kind keep filters over another; ``description`` is for whoever names one in a filter.

    The function gets ids and returns the filters of those that are living and seen.
    """

    def declare(find: Find) -> Find:
        assert over not in _KEEPERS, over
        _KEEPERS[over] = Keeper(record, over, description, find)
        return find

    return declare


def keeper_over(record: str) -> Keeper | None:
    """Whose filters over records of this kind can be named."""
    return _KEEPERS.get(record)


def names_kept(where: Filter) -> bool:
    """Whether a kept filter is named anywhere in it."""
    return next(_named_in(where), None) is not None


async def in_full(
    read: TenantRead, viewer: Viewer, where: Filter, *, path: Path = (), inside: Kept | None = None
) -> Filter:
    """The filter with every kept one written out; one that names none is returned as it is.

    ``inside`` says under what it is to be kept itself. Raises NotFound for what is archived, out of sight or not there,
    CircularFilter for what leads back to itself, BadUserInput for what is too deep or too much; each with ``path``.
    """
    named = set(_named_in(where))
    if not named:
        return where
    try:
        found = await _find_all(read, viewer, named)
        return _Writing(found).out(where, () if inside is None else (inside,), int(inside is not None))
    except (NotFound, BadUserInput) as error:
        raise type(error)(error.message, path=path, **error.params) from None


async def listing_in_full(read: TenantRead, viewer: Viewer, listing: Listing) -> Listing:
    """The listing with every kept filter of its own level written out; raises as ``in_full``."""
    where = await in_full(read, viewer, listing.where)
    return listing if where is listing.where else replace(listing, where=where)


def _named_in(where: Filter) -> Iterator[Kept]:
    waiting = [where]
    while waiting:
        one = waiting.pop()
        match one:
            case Kept():
                yield one
            case All(parts) | AnyOf(parts):
                waiting += parts
            case Not(part):
                waiting.append(part)
            case Related(_, inner):
                waiting.append(inner)


async def _find_all(read: TenantRead, viewer: Viewer, named: set[Kept]) -> dict[Kept, Filter]:
    """What is kept under these names and under those that stand in it, each looked up once."""
    found: dict[Kept, Filter] = {}
    while named:
        if len(found) + len(named) > MOST_KEPT:
            raise BadUserInput(msg("At most {limit} segments are allowed in a filter."), limit=MOST_KEPT)
        for over in sorted({one.over for one in named}):
            ids = [one.id for one in named if one.over == over]
            brought = await _KEEPERS[over].find(read, viewer, ids)
            if len(brought) < len(ids):
                raise NotFound(msg("There is no such record."))
            found |= {Kept(over, kept): where for kept, where in brought.items()}
        named = {inner for one in named for inner in _named_in(found[one])} - found.keys()
    return found


class _Writing:
    """Writes kept filters out, and counts what they bring."""

    def __init__(self, found: Mapping[Kept, Filter]) -> None:
        self._found = found
        self._parts = 0

    def out(self, where: Filter, way: tuple[Kept, ...], depth: int) -> Filter:
        """``way`` are the kept filters in which this one stands, ``depth`` counts them and the relations above it."""
        if way:
            self._count(depth)
        match where:
            case Kept():
                if where in way:
                    raise CircularFilter(msg("This segment leads back to itself."))
                return self.out(self._found[where], (*way, where), depth + 1)
            case All(parts):
                return All(tuple(self._joined(parts, way, depth)))
            case AnyOf(parts):
                return AnyOf(tuple(self.out(part, way, depth) for part in parts))
            case Not(part):
                return Not(self.out(part, way, depth))
            case Related(relation, inner):
                return Related(relation, self.out(inner, way, depth + 1))
        return where

    def _joined(self, parts: tuple[Filter, ...], way: tuple[Kept, ...], depth: int) -> Iterator[Filter]:
        """A kept filter of several conditions becomes several here, so that a search in it is known for one."""
        for part in parts:
            written = self.out(part, way, depth)
            if isinstance(part, Kept) and isinstance(written, All):
                yield from written.parts
            else:
                yield written

    def _count(self, depth: int) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadUserInput(
                msg("The segments in this filter have too many conditions: at most {limit} are allowed."),
                limit=MOST_PARTS,
            )
        if depth > DEEPEST:
            raise BadUserInput(msg("This filter is nested too deeply."))
