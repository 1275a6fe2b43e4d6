"""Legal hold: while a customer is on hold nothing of it is deleted or anonymised (T9)."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.protection.subjects import ensure_keeper
from kedang_tenants.reading import Viewer


async def hold(write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str, clock: Clock) -> None:
    """Put a customer on legal hold, or give another reason; raises Forbidden, NotFound, Refused."""
    await _find(write, viewer, customer_id)
    held_at = await write.fetchval("SELECT held_at FROM customer WHERE id = $1", customer_id)
    values = {"held_at": held_at or clock.now(), "held_because": reason}
    await change_internally(
        write, viewer, [Change("customer", "update", customer_id, values=values)], clock=clock
    )


async def lift_hold(write: TenantWrite, viewer: Viewer, *, customer_id: UUID, clock: Clock) -> None:
    """End the legal hold of a customer; raises Forbidden, NotFound."""
    await _find(write, viewer, customer_id)
    values = {"held_at": None, "held_because": None}
    await change_internally(
        write, viewer, [Change("customer", "update", customer_id, values=values)], clock=clock
    )


async def _find(write: TenantWrite, viewer: Viewer, customer_id: UUID) -> None:
    ensure_keeper(viewer)
    if not await visible_record(write, viewer, catalogue().record("customer"), customer_id):
        raise NotFound(msg("There is no such record."), path=("input", "customerId"))
