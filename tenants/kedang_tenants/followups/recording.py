"""What a recorded contact brings about, in the transaction of the record itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, Draft, afterwards, change, change_internally, visible_record
from kedang_tenants.followups.cycles import day_in
from kedang_tenants.followups.models import CYCLE, DONE, PLANNED
from kedang_tenants.followups.plan_storing import show_plans
from kedang_tenants.followups.planning import plan_next
from kedang_tenants.reading import Viewer

_DAY = timedelta(days=1)
_MOVED_BY = frozenset({"customer_id", "due_on", "state", "archived_at"})
_OPEN_PLANS = """
SELECT p.id, p.customer_id, p.created_at, c.last_contact_at
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id
WHERE p.state = $3 AND p.archived_at IS NULL
  AND (p.id = ANY($1::uuid[]) OR (p.customer_id = ANY($2::uuid[]) AND p.origin = $4))
ORDER BY p.id FOR UPDATE OF p
"""
# Joined and grouped: a subquery for each customer goes astray where the table's statistics are old.
_LAST_CONTACTS = """
UPDATE customer c SET last_contact_at = found.at
FROM (
    SELECT asked.id, max(r.at) AS at
    FROM unnest($1::uuid[]) AS asked(id)
    LEFT JOIN follow_up_record r ON r.customer_id = asked.id AND r.reached AND r.archived_at IS NULL
    GROUP BY asked.id
) found
WHERE c.id = found.id AND c.last_contact_at IS DISTINCT FROM found.at
"""


@afterwards("follow_up_record")
async def follow_up(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """A contact that reached somebody ends the plan it was made for and the open one by the cycle; the next is made.

    Contacts before the cycle's plan was made (entered late, imported) and further ones on one day end nothing;
    they only count for when the last contact was. The customers are held since before the records were.
    """
    if not drafts:
        return
    customers = _customers(drafts)
    await _end_plans(write, viewer, [draft for draft in drafts if _reached_now(draft)], clock)
    await write.fetch(_LAST_CONTACTS, customers)
    await plan_next(write, viewer, customers, clock=clock)


@afterwards("follow_up_plan")
async def show_next(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Keep right the day of the next follow-up at the customer, and how urgent its plans are."""
    customers = _customers(draft for draft in drafts if _MOVED_BY & draft.values.keys())
    if customers:
        await show_plans(write, customers)


def _customers(drafts: Iterable[Draft]) -> list[UUID]:
    return sorted({cast("UUID", draft.now("customer_id")) for draft in drafts})


def _reached_now(draft: Draft) -> bool:
    """Whether this very change says that somebody was reached."""
    reached = bool(draft.now("reached")) and draft.now("archived_at") is None
    return reached and (draft.action == "create" or not (draft.old or {}).get("reached"))


async def _end_plans(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """Note the plans that these contacts have fulfilled as done, on the day of the contact."""
    zone = ZoneInfo(viewer.time_zone)
    named = {cast("UUID", d.now("plan_id")): _day(d, zone) for d in drafts if d.now("plan_id")}
    latest: dict[object, date] = {}
    for draft in drafts:
        customer = draft.now("customer_id")
        latest[customer] = max(latest.get(customer, date.min), _day(draft, zone))
    plans = await write.fetch(_OPEN_PLANS, list(named), list(latest), PLANNED, CYCLE)
    done = []
    for plan in plans:
        day = named.get(plan["id"])
        if day is None and latest[plan["customer_id"]] >= _fulfilled_from(plan, zone):
            day = latest[plan["customer_id"]]
        if day is not None:
            values = {"state": DONE, "done_on": day}
            done.append(Change("follow_up_plan", "update", plan["id"], values=values))
    await change_internally(write, viewer, done, clock=clock)


def _fulfilled_from(plan: asyncpg.Record, zone: ZoneInfo) -> date:
    """The first day on which a contact fulfils a plan by the cycle: further ones on the day it follows from do not."""
    made, last = day_in(plan["created_at"], zone), day_in(plan["last_contact_at"], zone)
    assert made is not None
    return made if last is None else max(made, last + _DAY)


def _day(draft: Draft, zone: ZoneInfo) -> date:
    return cast("datetime", draft.now("at")).astimezone(zone).date()


async def record_follow_up(
    write: TenantWrite,
    viewer: Viewer,
    *,
    values: Mapping[str, object],
    custom: Mapping[str, object] | None = None,
    clock: Clock,
) -> tuple[UUID, UUID]:
    """Record a contact: of now where no time is said, of the plan's customer where only a plan is.

    ``custom`` are the company's own fields by their key. Returns the ids of the record and of its customer. Raises
    Refused, and NotFound for such a plan.
    """
    given = {"at": clock.now()} | {name: value for name, value in values.items() if value is not None}
    if "customer_id" not in given and "plan_id" in given:
        given["customer_id"] = await _customer_of(write, viewer, cast("UUID", given["plan_id"]))
    change_of = Change("follow_up_record", "create", values=given, custom=custom or {})
    (made,) = await change(write, viewer, [change_of], clock=clock)
    return made.id, cast("UUID", given["customer_id"])


async def _customer_of(write: TenantWrite, viewer: Viewer, plan_id: UUID) -> object:
    if not await visible_record(write, viewer, catalogue().record("follow_up_plan"), plan_id):
        raise NotFound(msg("There is no such record."), path=("input", "planId"))
    return await write.fetchval("SELECT customer_id FROM follow_up_plan WHERE id = $1", plan_id)
