"""Unscheduled checks (不定期检查) of customers at risk: a plan for the owner within a few working days (A18).

A member has so many open at most; the others follow when these are done, those with the most reasons first. What is
found at once is checked whatever else there is, and again where the check of the customer was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.models import CANCELLED, CHECK, PLANNED
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer
from kedang_tenants.watching.reasons import why_in_plans
from kedang_tenants.watching.rule import load_thresholds

PLAN: Final = "follow_up_plan"
_DAY: Final = timedelta(days=1)

_OCCASION: Final = "'watch:' || replace({entry}::text, '-', '')"
# Entries at risk that no check was made for; $1 those that are checked at all events unless a check is open, $2 how many
# a member may have open.
_UNCHECKED: Final = f"""
SELECT id, customer_id, owner_id, reasons, points, made FROM (
    SELECT w.id, w.customer_id, c.owner_id, w.reasons, w.points, k.made, w.id = ANY($1::uuid[]) AS now,
           row_number() OVER (PARTITION BY c.owner_id ORDER BY w.points DESC, w.since_on, w.id) + coalesce(o.open, 0)
               AS place
    FROM watch_entry w JOIN customer c ON c.id = w.customer_id AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
    LEFT JOIN (SELECT p.owner_id, count(*) AS open FROM follow_up_plan p
               WHERE p.origin = '{CHECK}' AND p.state = '{PLANNED}' AND p.archived_at IS NULL GROUP BY p.owner_id) o
        ON o.owner_id = c.owner_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS made, count(*) FILTER (WHERE p.state = '{PLANNED}') AS open FROM follow_up_plan p
        WHERE p.customer_id = w.customer_id AND p.origin = '{CHECK}' AND p.archived_at IS NULL
          AND split_part(p.occasion, '/', 1) = {_OCCASION.format(entry="w.id")}
    ) k
    WHERE w.side = 'RISK' AND w.ended_on IS NULL AND w.archived_at IS NULL
      AND (k.made = 0 OR k.open = 0 AND w.id = ANY($1::uuid[]))
) open WHERE now OR place <= $2 ORDER BY id
"""
_OF_ENTRIES: Final = f"""
SELECT id FROM follow_up_plan
WHERE origin = '{CHECK}' AND state = '{PLANNED}' AND archived_at IS NULL
  AND split_part(occasion, '/', 1) = ANY(SELECT {_OCCASION.format(entry="e")} FROM unnest($1::uuid[]) AS e) ORDER BY id
"""


def check_day(calendar: WorkingCalendar, today: date, within: int) -> date:
    """The last of ``within`` working days after today."""
    day = today
    for _ in range(within):
        day = calendar.next_working(day + _DAY)
    return day


async def plan_checks(
    write: TenantWrite, viewer: Viewer, *, at_once: Sequence[UUID] = (), clock: Clock
) -> int:
    """Plan a check for each entry at risk that has none, as far as its owner's list allows; how many.

    ``at_once`` are entries that are checked whatever else there is; then no others are planned for.
    """
    thresholds = await load_thresholds(write)
    if thresholds.check_within is None:
        return 0
    most = 0 if at_once else thresholds.checks_each
    rows = await write.fetch(_UNCHECKED, list(at_once), most)
    if not rows:
        return 0
    calendar = await load_calendar(write, country=viewer.country)
    due = check_day(calendar, viewer.today(clock), thresholds.check_within)
    plans = [
        Change(
            PLAN,
            "create",
            values={
                "customer_id": row["customer_id"],
                "owner_id": row["owner_id"],
                "due_on": due,
                "wanted_on": due,
                "state": PLANNED,
                "origin": CHECK,
                "occasion": f"watch:{row['id'].hex}" + (f"/{row['made'] + 1}" if row["made"] else ""),
                "rule": why_in_plans(
                    orjson.loads(row["reasons"]), row["points"], thresholds, currency=viewer.currency
                ),
            },
        )
        for row in rows
    ]
    await change_internally(write, viewer, plans, clock=clock)
    return len(plans)


async def call_off(write: TenantWrite, viewer: Viewer, entries: Sequence[UUID], *, clock: Clock) -> None:
    """Call off the open checks of entries that have ended."""
    if not entries:
        return
    values = {"state": CANCELLED, "done_on": viewer.today(clock)}
    rows = await write.fetch(_OF_ENTRIES, list(entries))
    steps = [Change(PLAN, "update", row["id"], values=values) for row in rows]
    await change_internally(write, viewer, steps, clock=clock)
