"""Opening a request: the one way in, whoever asks (a person, a form, an unhappy answer)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, change, change_internally
from kedang_tenants.reading import Viewer


async def open_request(
    write: TenantWrite,
    viewer: Viewer,
    *,
    values: Mapping[str, object],
    clock: Clock,
    internally: bool = False,
) -> UUID:
    """Open a service request and return its id; number, owner and clocks follow by the rules of the feature.

    ``internally`` is for what the product decides itself: no right of the viewer is asked for.
    Raises Refused.
    """
    opening = Change("service_request", "create", values=values)
    path = change_internally if internally else change
    (made,) = await path(write, viewer, [opening], clock=clock)
    return made.id
