"""The question of a bulk export: what is listed, what is shown of it, which lists hang below.

It is stored as JSON when it is asked and read again by the job, which knows nothing of GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kedang_tenants.reading import Listing, Page
from kedang_tenants.reading.shown import (
    Shown,
    decode_listing,
    decode_shown,
    encode_listing,
    encode_shown,
    select_of,
)

DEEPEST = 2
"""Levels of lists below the list that is exported."""


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


def encode_level(level: Level) -> dict[str, Any]:
    """The question as JSON that ``decode_level`` reads."""
    return {
        **encode_listing(level.listing),
        "shown": [encode_shown(one) for one in level.shown],
        "below": [encode_level(inner) for inner in level.below],
    }


def decode_level(stored: Mapping[str, Any]) -> Level:
    shown = tuple(decode_shown(one) for one in stored["shown"])
    listing = decode_listing(stored, select_of(shown), page=Page(1), cursors=True)
    return Level(listing, shown, tuple(decode_level(inner) for inner in stored["below"]))
