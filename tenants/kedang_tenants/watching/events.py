"""Anomalies at once: a coming insolvency, a credit rating that drops (A18).

A customer who is not satisfied is told of by the survey itself (V7), with a request; the night looks at it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Draft, Event, prepares, subscribe
from kedang_tenants.grading.criteria_models import CREDIT_RATINGS
from kedang_tenants.reading import Viewer
from kedang_tenants.watching.checks import plan_checks
from kedang_tenants.watching.listing import take_turns, watch
from kedang_tenants.watching.models import RISK
from kedang_tenants.watching.telling import tell_untold

_RANK: Final = {option.code: rank for rank, option in enumerate(CREDIT_RATINGS)}
_ALARMING: Final = frozenset({"insolvency", "credit_rating"})
_FOUND: Final = """
SELECT id FROM watch_entry
WHERE customer_id = ANY($1::uuid[]) AND side = $2 AND told_on IS NULL AND ended_on IS NULL AND archived_at IS NULL
"""


@prepares("customer")
async def note_credit_drop(
    _write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock
) -> None:
    """When a credit rating dropped last, and from what, until it is as good again."""
    for draft in drafts:
        if draft.old is None or "credit_rating" not in draft.values:
            continue
        old, new = (
            cast("str | None", rating)
            for rating in (draft.old.get("credit_rating"), draft.values["credit_rating"])
        )
        before = cast("str | None", draft.old.get("credit_before"))
        if old is not None and new is not None and _RANK[new] > _RANK[old]:
            draft.values |= {"credit_before": before or old, "credit_dropped_on": viewer.today(clock)}
        elif before is not None and (new is None or _RANK[new] <= _RANK[before]):
            draft.values |= {"credit_before": None, "credit_dropped_on": None}


@subscribe("customer.created", "customer.updated")
async def watch_archives(write: TenantWrite, viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """What the archive says of insolvency and credit is looked at, at once."""
    alarming = {event.record_id for event in events if _ALARMING & event.changes.keys()}
    await look_again(write, viewer, sorted(alarming), clock=clock)


async def look_again(write: TenantWrite, viewer: Viewer, customers: Sequence[UUID], *, clock: Clock) -> None:
    """Look at these customers now: who is at risk is checked and told of, whatever else there is."""
    if not customers:
        return
    await take_turns(write)
    await watch(write, viewer, customers, sides=(RISK,), clock=clock)
    found = [row["id"] for row in await write.fetch(_FOUND, list(customers), RISK)]
    if found:
        await plan_checks(write, viewer, at_once=found, clock=clock)
        await tell_untold(write, viewer, entries=found, clock=clock)
