"""What holds in every write: who has a customer, and whether it is in the pool, are not both so (A13)."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.pool.moving import NOT_RETURNING
from kedang_tenants.reading import Viewer


@prepares("customer")
async def keep_pool_right(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A customer that somebody gets leaves the pool; with another owner, or none, the day of return begins anew."""
    for draft in drafts:
        if draft.now("owner_id") is not None and draft.now("pool_since") is not None:
            draft.values["pool_since"] = None
        before = draft.old.get("owner_id") if draft.old else None
        if draft.now("owner_id") != before or draft.now("archived_at") is not None:
            draft.values |= NOT_RETURNING
