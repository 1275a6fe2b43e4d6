"""The verbs of hot customers: marking one, over the cap with a superior's consent, and clearing it (A5)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.approvals.asking import ask
from kedang_tenants.approvals.flows import SUPERIOR, Step
from kedang_tenants.approvals.kinds import Request, register_approval_kind
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import audit
from kedang_tenants.changing.holding import Row
from kedang_tenants.customers.belonging import referring_to_all
from kedang_tenants.hot.caps import cap_reached, hold_places
from kedang_tenants.hot.marking import (
    HotWithoutOwner,
    NotHot,
    begin_mark,
    end_marks,
    held_customer,
    last_day,
    said_reason,
)
from kedang_tenants.hot.models import BY_APPROVAL, CLEARED
from kedang_tenants.hot.rule import ASK, hot_rule
from kedang_tenants.reading import Viewer

KIND: Final = "hot.over_cap"

_SUMMARY: Final = msg("{customer} as a hot customer over the cap: {reason}")
_HELD: Final = """
SELECT id, owner_id, hot_since FROM customer WHERE id = $1 AND owner_id IS NOT NULL AND archived_at IS NULL
FOR NO KEY UPDATE
"""


async def mark_hot(
    write: TenantWrite,
    viewer: Viewer,
    *,
    customer_id: UUID,
    reason: str,
    until: date | None = None,
    clock: Clock,
) -> UUID | None:
    """Make a customer a hot one; what is marked already gets the new reason and last day.

    Over a cap it is refused, or, where the company's rule says so, a superior is asked: then the request's id is
    returned and nothing is marked yet. Raises NotFound, Forbidden, Archived, HotWithoutOwner, HotReasonMissing, Refused for a last day
    beyond the rule, HotCapReached, and what ``approvals.ask`` raises.
    """
    customer = await held_customer(write, viewer, customer_id)
    if customer["owner_id"] is None:
        message = msg("Nobody is responsible for this customer; say first who is.")
        raise HotWithoutOwner(message, path=("input", "customerId"))
    why, rule = said_reason(reason), await hot_rule(write)
    last = last_day(rule, until=until, today=viewer.today(clock))
    reached = None
    if customer["hot_since"] is None:
        await hold_places(write)
        reached = await cap_reached(write, rule, owner_id=customer["owner_id"])
    if reached is None:
        await begin_mark(
            write, viewer, customer, reason=why, until=last, marked_by=viewer.member_id, clock=clock
        )
        return None
    if rule.over_the_cap != ASK:
        raise reached
    return await _ask(write, viewer, customer, why, until, clock)


async def _ask(
    write: TenantWrite, viewer: Viewer, customer: Row, reason: str, until: date | None, clock: Clock
) -> UUID:
    payload = {
        "customer": customer["id"].hex,
        "reason": reason,
        "until": until.isoformat() if until else None,
    }
    return await ask(
        write,
        viewer,
        kind=KIND,
        subject=("customer", customer["id"]),
        summary=translated(_SUMMARY, {"customer": customer["name"], "reason": reason}),
        payload=payload,
        clock=clock,
    )


async def decided(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> None:
    """Mark what a superior approved over the cap, unless the customer or its owner went or the last day passed."""
    if request.state != "APPROVED":
        return
    customer = await write.fetchrow(_HELD, UUID(hex=request.payload["customer"]))
    said, today, rule = request.payload["until"], viewer.today(clock), await hot_rule(write)
    until = date.fromisoformat(said) if said else last_day(rule, until=None, today=today)
    if customer is None or (until is not None and until < today):
        return
    await begin_mark(
        write,
        referring_to_all(viewer),
        dict(customer),
        reason=request.payload["reason"],
        until=until,
        origin=BY_APPROVAL,
        marked_by=request.asked_by,
        clock=clock,
    )


async def clear_hot(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str | None = None, clock: Clock
) -> None:
    """End a customer's time as a hot one by hand. Raises NotFound, Forbidden, Archived, NotHot."""
    customer = await held_customer(write, viewer, customer_id)
    if customer["hot_since"] is None:
        raise NotHot(msg("This customer is no hot one."), path=("input", "customerId"))
    why = said_reason(reason) if reason else None
    await end_marks(write, viewer, [customer_id], ending=CLEARED, clock=clock)
    if why:
        await audit(
            write, viewer, [("customer", "cooled", customer_id, {"reason": [None, why]})], clock=clock
        )


register_approval_kind(
    KIND,
    label=msg("A hot customer over the cap"),
    on_decided=decided,
    steps=(Step(by=SUPERIOR),),
    alone="REFUSE",
)
