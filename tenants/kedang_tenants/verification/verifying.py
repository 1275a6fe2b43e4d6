"""Verifying an archive: confirmed as it is, or corrected in the same step (A7)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, audit, change, change_internally
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.reading import Viewer

_PATH: Final = ("input", "customer")
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


async def verify_customer(
    write: TenantWrite,
    viewer: Viewer,
    *,
    customer_id: UUID,
    corrections: Mapping[str, object] = _NOTHING,
    custom: Mapping[str, object] = _NOTHING,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note that the whole archive holds as of today, with the corrections that were needed, all or nothing.

    It says ``customer.verified`` in the audit trail, with how many fields were corrected. Raises NotFound,
    Forbidden, Archived, and Refused for corrections that do not hold or a version that is stale.
    """
    row = await hold_for_change(write, viewer, "customer", customer_id, path=(*_PATH, "id"))
    corrected: Change = Change("customer", "update", customer_id, version, corrections, custom, _PATH)
    (done,) = await change(write, viewer, [corrected], clock=clock)
    today = viewer.today(clock)
    values = {"verified_on": today}
    await change_internally(
        write, viewer, [Change("customer", "update", customer_id, values=values)], clock=clock
    )
    before = row["verified_on"].isoformat() if row["verified_on"] else None
    told: dict[str, object] = {
        "verified_on": [before, today.isoformat()],
        "corrected": [None, len(done.changes.keys() - {"verify_by"})],
    }
    await audit(write, viewer, [("customer", "verified", customer_id, told)], clock=clock)
