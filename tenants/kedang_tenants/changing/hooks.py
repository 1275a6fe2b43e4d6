"""Where a feature takes part in a change: registered next to its rule, run inside the one path.

``prepares`` runs when every value is checked and before anything is written: it derives columns and
may refuse a draft. ``afterwards`` runs in the same transaction when the rows are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.reading import Viewer

Prepare = Callable[[TenantWrite, Viewer, Sequence[Draft], Clock], Awaitable[None]]
Afterwards = Callable[[TenantWrite, Viewer, Sequence[Draft], Clock], Awaitable[None]]

_prepares: dict[str, list[Prepare]] = defaultdict(list)
_afterwards: dict[str, list[Afterwards]] = defaultdict(list)


def prepares(record: str) -> Callable[[Prepare], Prepare]:
    """Register a function that completes or refuses the drafts of a record before they are written."""

    def register(function: Prepare) -> Prepare:
        _prepares[record].append(function)
        return function

    return register


def afterwards(record: str) -> Callable[[Afterwards], Afterwards]:
    """Register a function that follows up written drafts of a record in the same transaction."""

    def register(function: Afterwards) -> Afterwards:
        _afterwards[record].append(function)
        return function

    return register


def prepare_steps(record: str) -> Sequence[Prepare]:
    return _prepares[record]


def afterwards_steps(record: str) -> Sequence[Afterwards]:
    return _afterwards[record]
