"""Claiming a customer of the public pool, within the limits of the company's rule (A13)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.pool.models import CLAIMED
from kedang_tenants.pool.moving import Move, take_out
from kedang_tenants.pool.renewing import store
from kedang_tenants.pool.rule import PoolRule, pool_rule
from kedang_tenants.reading import Scope, Viewer

# Two claims of one person at once do not both take the last of the day.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('pool ' || $1), hashtext($2))"
_POOLED: Final = """
SELECT id, name, restricted FROM customer
WHERE id = $1 AND pool_since IS NOT NULL AND owner_id IS NULL AND archived_at IS NULL FOR NO KEY UPDATE
"""
_CLAIMED_TODAY: Final = """
SELECT count(*) FROM pool_move WHERE member_id = $1 AND moved_on = $2 AND kind = 'CLAIMED'
"""
_HELD: Final = "SELECT count(*) FROM customer WHERE owner_id = $1 AND archived_at IS NULL"
_LOST_ON: Final = """
SELECT max(moved_on) FROM pool_move
WHERE customer_id = $1 AND member_id = $2 AND kind IN ('RECYCLED', 'RELEASED')
"""
_PATH: Final = ("input", "customerId")


class ClaimsUsedUp(BadUserInput):
    """The person has claimed as many customers today as the rule allows."""


class HoldsEnough(BadUserInput):
    """The person has as many customers as the rule lets somebody have who claims."""


class PreviousOwnerPause(BadUserInput):
    """Whoever lost a customer to the pool waits before they claim it again."""


def may_claim(viewer: Viewer) -> bool:
    """Whether the viewer keeps customers of their own, so that they see the pool and claim from it."""
    return viewer.member_id is not None and viewer.on("customer").update is not Scope.NONE


def ensure_may_claim(viewer: Viewer) -> UUID:
    """The viewer as a member who may claim; raises Forbidden."""
    if not may_claim(viewer) or viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))
    return viewer.member_id


async def hold_pooled(write: TenantWrite, viewer: Viewer, customer_id: UUID) -> dict[str, Any]:
    """Lock a customer of the pool that is open to the viewer; raises NotFound, as for one that was claimed before."""
    row = await write.fetchrow(_POOLED, customer_id)
    if row is None or (row["restricted"] and viewer.closed and customer_id not in viewer.opened):
        raise NotFound(msg("There is no such customer in the public pool."), path=_PATH)
    return dict(row)


async def hold_member(write: TenantWrite, member_id: UUID) -> None:
    """Let nobody else count what this member does with the pool until this transaction ends."""
    await write.fetch(_ONE_AT_A_TIME, write.company.schema, member_id.hex)


async def claim_customer(write: TenantWrite, viewer: Viewer, *, customer_id: UUID, clock: Clock) -> UUID:
    """Make a customer of the pool the viewer's own; of several who claim it at once one gets it.

    Raises Forbidden for whoever keeps no customers, NotFound for what is not in the pool (any more), ClaimsUsedUp,
    HoldsEnough, PreviousOwnerPause.
    """
    member = ensure_may_claim(viewer)
    await hold_member(write, member)
    await hold_pooled(write, viewer, customer_id)
    rule, today = await pool_rule(write), viewer.today(clock)
    await _ensure_within(write, rule, member, today)
    await _ensure_no_pause(write, rule, customer_id, member, today)
    await take_out(write, viewer, [Move(customer_id, member)], kind=CLAIMED, clock=clock)
    await store(write, viewer, rule, [customer_id], clock=clock)
    return customer_id


async def _ensure_within(read: TenantRead, rule: PoolRule, member: UUID, today: date) -> None:
    if rule.claims_per_day is not None:
        claimed = await read.fetchval(_CLAIMED_TODAY, member, today)
        if claimed >= rule.claims_per_day:
            message = msg("You have claimed {count} customers today; {limit} a day are allowed.")
            raise ClaimsUsedUp(message, path=_PATH, count=claimed, limit=rule.claims_per_day)
    if rule.most_held is not None:
        held = await read.fetchval(_HELD, member)
        if held >= rule.most_held:
            message = msg("You have {count} customers; with {limit} or more nobody claims further ones.")
            raise HoldsEnough(message, path=_PATH, count=held, limit=rule.most_held)


async def _ensure_no_pause(
    read: TenantRead, rule: PoolRule, customer_id: UUID, member: UUID, today: date
) -> None:
    if not rule.pause_days:
        return
    lost_on = await read.fetchval(_LOST_ON, customer_id, member)
    free_on = lost_on + timedelta(days=rule.pause_days) if lost_on else None
    if free_on is not None and today < free_on:
        message = msg("This customer was yours before; you may claim it again on {day}.")
        raise PreviousOwnerPause(message, path=_PATH, day=free_on.isoformat())
