"""Ways that work goes, each with its own limits beside those of the companies.

What leaves the house waits for others: a receiver that never answers, a mail server that takes its time. Work
that goes by one channel may therefore be in flight only so often, in a company and altogether, and a company
whose channel is full has all its other work done meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Channel:
    """``company`` and ``overall``: jobs in flight at most, of one company and of all together.

    Work of a channel that leads ``outside`` only waits most of its time: it takes none of a worker process's
    places, up to ``process`` jobs in each.
    """

    name: str
    company: int = 4
    overall: int = 32
    outside: bool = False
    process: int = 32


CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        each.name: each
        for each in (
            # More than are sent side by side: while some are on their way the next ones stand ready.
            Channel("mail", company=32, overall=64, outside=True, process=16),
            Channel("webhooks", company=4, overall=64, outside=True),
            Channel("surveys", company=4, overall=16),
            Channel("reports", company=2, overall=8),
            Channel("imports", company=2, overall=8),
        )
    }
)


def channel_named(name: str) -> Channel:
    """The channel of this name; raises ValueError for one that does not exist."""
    try:
        return CHANNELS[name]
    except KeyError:
        raise ValueError(f"there is no channel {name!r}: {', '.join(CHANNELS)}") from None
