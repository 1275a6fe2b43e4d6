"""What people do with orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change
from kedang_tenants.reading import Viewer


async def place_order(
    write: TenantWrite,
    viewer: Viewer,
    *,
    order: Mapping[str, object],
    lines: Sequence[Mapping[str, object]],
    clock: Clock,
) -> UUID:
    """Create an order with its lines, all or nothing; the lines stand in the order given, from position 1.

    Raises Refused; errors of a line have the path ``input.lines.<index>``.
    """
    order_id = new_id()
    head = Change("order", "create", id=order_id, values=order)
    below = [
        Change(
            "order_line",
            "create",
            values={**line, "order_id": order_id, "position": index + 1},
            path=("input", "lines", index),
        )
        for index, line in enumerate(lines)
    ]
    await change(write, viewer, [head, *below], clock=clock)
    return order_id
