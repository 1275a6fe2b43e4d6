"""The rules of service that hold in every write."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer
from kedang_tenants.service.numbers import next_numbers


@prepares("service_request")
async def open_requests(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A new request gets its number and the time of its opening."""
    opened = [draft for draft in drafts if draft.action == "create"]
    if not opened:
        return
    numbers = await next_numbers(write, viewer, len(opened), clock=clock)
    for draft, number in zip(opened, numbers, strict=True):
        draft.values["number"] = number
        draft.values.setdefault("opened_at", clock.now())
