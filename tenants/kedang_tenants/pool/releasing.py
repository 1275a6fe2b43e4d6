"""Giving a customer up to the public pool by hand (A13)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.pool.models import LONGEST_REASON, RELEASED
from kedang_tenants.pool.moving import Move, put_in
from kedang_tenants.pool.returning import hold_protection, returns
from kedang_tenants.pool.rule import PoolRule
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import Statement

_PATH: Final = ("input", "customerId")
_OWNERLESS_PROTECTED: Final = """
SELECT EXISTS (SELECT 1 FROM demand d WHERE d.customer_id = $1 AND d.state = 'OPEN' AND d.archived_at IS NULL)
    OR EXISTS (SELECT 1 FROM contract k WHERE k.customer_id = $1 AND k.state = 'IN_FORCE' AND k.archived_at IS NULL
               AND (k.ends_on IS NULL OR k.ends_on >= $2))
"""


class ProtectedFromPool(BadUserInput):
    """The customer is hot, has an open demand or a contract in force, or its grade keeps it out of the pool."""


class InPoolAlready(BadUserInput):
    """The customer is in the public pool."""


class PoolReasonTooLong(BadUserInput):
    """A reason has at most so many characters."""


async def release_customer(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str | None = None, clock: Clock
) -> UUID:
    """Put a customer that the viewer may change into the pool, whether or not somebody has it.

    With whom it is only shared does not give it away. Raises NotFound, Forbidden, Archived, InPoolAlready, ProtectedFromPool, PoolReasonTooLong.
    """
    row = await hold_for_change(write, viewer, "customer", customer_id, path=_PATH, alone=True)
    if not viewer.reaches(viewer.on("customer").update, row["owner_id"]):
        raise Forbidden(msg("You may not do this."))
    if row["pool_since"] is not None:
        raise InPoolAlready(msg("This customer is in the public pool already."), path=_PATH)
    why = (reason or "").strip() or None
    if why and len(why) > LONGEST_REASON:
        message = msg("At most {limit} characters are allowed here.")
        raise PoolReasonTooLong(message, path=("input", "reason"), limit=LONGEST_REASON)
    if await _protected(write, viewer, customer_id, clock):
        message = msg(
            "This customer stays: it is hot, has an open demand or a contract in force, or its grade protects it."
        )
        raise ProtectedFromPool(message, path=_PATH)
    move = Move(customer_id, row["owner_id"], reason=why)
    await put_in(write, viewer, [move], kind=RELEASED, clock=clock)
    return customer_id


async def _protected(write: TenantWrite, viewer: Viewer, customer_id: UUID, clock: Clock) -> bool:
    await hold_protection(write, [customer_id])
    statement = Statement()
    found = returns(
        statement, PoolRule(), today=viewer.today(clock), zone=viewer.time_zone, customer_ids=[customer_id]
    )
    protected = await write.fetchval(f"SELECT r.protected FROM ({found}) r", *statement.values)
    if protected is None:  # nobody has it
        protected = await write.fetchval(_OWNERLESS_PROTECTED, customer_id, viewer.today(clock))
    return bool(protected)
