"""What people do with orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change
from kedang_tenants.reading import Viewer

MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line of a new order: its values, the company's own fields by their key, and where errors are told."""

    values: Mapping[str, object]
    custom: Mapping[str, object]
    path: tuple[str | int, ...]


async def place_order(
    write: TenantWrite,
    viewer: Viewer,
    *,
    order: Mapping[str, object],
    lines: Sequence[NewLine],
    custom: Mapping[str, object] = MappingProxyType({}),
    clock: Clock,
) -> UUID:
    """Create an order with its lines, all or nothing; lines without a position follow in the order given.

    ``custom`` holds the company's own fields of the order by their key. Raises Refused; errors have the path
    ``input.order`` and those of the lines. At most ``MOST_LINES`` lines are taken.
    """
    if len(lines) > MOST_LINES:
        raise BadUserInput(
            msg("At most {limit} entries are allowed here."), path=("input", "lines"), limit=MOST_LINES
        )
    order_id = new_id()
    head = Change("order", "create", id=order_id, values=order, custom=custom, path=("input", "order"))
    below = [
        Change(
            "order_line",
            "create",
            values={**line.values, "order_id": order_id},
            custom=line.custom,
            path=line.path,
        )
        for line in lines
    ]
    await change(write, viewer, [head, *below], clock=clock)
    return order_id
