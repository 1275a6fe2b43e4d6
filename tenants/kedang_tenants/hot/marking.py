"""Marking customers as hot ones and ending their marks (A5).

What the customer shows and the mark that is open are written together; the customer is locked before its mark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold
from kedang_tenants.hot.models import BY_HAND, LONGEST_REASON
from kedang_tenants.hot.rule import HotRule
from kedang_tenants.reading import Viewer

COLD: Final[Mapping[str, object]] = {"hot_since": None, "hot_until": None, "hot_reason": None}
"""What a customer shows that is not hot."""

_OPEN: Final = """
SELECT id, customer_id FROM hot_mark WHERE customer_id = ANY($1::uuid[]) AND ended_on IS NULL ORDER BY id FOR UPDATE
"""
_HOT: Final = """
SELECT id FROM customer WHERE id = ANY($1::uuid[]) AND hot_since IS NOT NULL ORDER BY id FOR NO KEY UPDATE
"""


class HotReasonMissing(BadUserInput):
    """A customer is made a hot one for a reason."""


class HotWithoutOwner(BadUserInput):
    """Somebody has to have a customer that is made a hot one, as hot customers are counted by who has them."""


class NotHot(BadUserInput):
    """The customer is no hot one."""


async def held_customer(write: TenantWrite, viewer: Viewer, customer_id: UUID) -> Row:
    """Lock a customer that the viewer may mark.

    Raises NotFound, Archived, and Forbidden for whoever keeps no hot marks for its owner.
    """
    row = await hold(write, viewer, "customer", customer_id, path=("input", "customerId"))
    theirs = viewer.reaches(viewer.on("hot_mark").create, row["owner_id"])
    if not theirs and not (customer_id in viewer.shared_to_write and viewer.on("hot_mark").create):
        raise Forbidden(msg("You may not do this."))
    return row


def said_reason(text: str) -> str:
    """The reason as it is kept; raises HotReasonMissing for none or one that is too long."""
    if not 0 < len(text.strip()) <= LONGEST_REASON:
        message = msg("Say why, in at most {limit} characters.")
        raise HotReasonMissing(message, path=("input", "reason"), limit=LONGEST_REASON)
    return text.strip()


def last_day(rule: HotRule, *, until: date | None, today: date) -> date | None:
    """The last day of a mark that begins today; the rule's longest where none is said. Raises Refused."""
    longest = today + timedelta(days=rule.expires_after_days) if rule.expires_after_days else None
    if until is None:
        return longest
    if until < today or (longest is not None and until > longest):
        message = msg("This must lie between {minimum} and {maximum}.")
        params = {"minimum": today.isoformat(), "maximum": (longest or date.max).isoformat()}
        raise Refused([UserError("OUT_OF_RANGE", message, ("input", "until"), params)])
    return until


async def begin_mark(
    write: TenantWrite,
    viewer: Viewer,
    customer: Row,
    *,
    reason: str,
    until: date | None,
    origin: str = BY_HAND,
    marked_by: UUID | None,
    clock: Clock,
) -> None:
    """Make a locked customer a hot one; of one that is hot already the reason and the last day are renewed."""
    since = customer["hot_since"] or viewer.today(clock)
    shown = {"hot_since": since, "hot_until": until, "hot_reason": reason}
    changes = [Change("customer", "update", customer["id"], values=shown)]
    if customer["hot_since"] is None:
        values = {
            "customer_id": customer["id"],
            "origin": origin,
            "reason": reason,
            "since": since,
            "until": until,
            "marked_by_id": marked_by,
        }
        changes.append(Change("hot_mark", "create", values=values))
    else:
        renewed = {"reason": reason, "until": until}
        changes += [
            Change("hot_mark", "update", mark, values=renewed)
            for mark in await _open_marks(write, [customer["id"]])
        ]
    await change_internally(write, viewer, changes, clock=clock)


async def end_marks(
    write: TenantWrite, viewer: Viewer, customer_ids: Collection[UUID], *, ending: str, clock: Clock
) -> list[UUID]:
    """End what makes these customers hot; returns those that were. The others stay as they are."""
    rows = await write.fetch(_HOT, list(customer_ids)) if customer_ids else []
    hot = [row["id"] for row in rows]
    if hot:
        await note_endings(write, viewer, hot, ending=ending, clock=clock)
        cold = [Change("customer", "update", each, values=COLD) for each in hot]
        await change_internally(write, viewer, cold, clock=clock)
    return hot


async def note_endings(
    write: TenantWrite, viewer: Viewer, customer_ids: Collection[UUID], *, ending: str, clock: Clock
) -> None:
    """End the open marks of customers that are locked, without touching the customers."""
    values = {"ended_on": viewer.today(clock), "ending": ending, "ended_by_id": viewer.member_id}
    changes = [
        Change("hot_mark", "update", mark, values=values) for mark in await _open_marks(write, customer_ids)
    ]
    await change_internally(write, viewer, changes, clock=clock)


async def _open_marks(read: TenantRead, customer_ids: Collection[UUID]) -> list[UUID]:
    return [row["id"] for row in await read.fetch(_OPEN, list(customer_ids))]
