"""Planning the next contact: last real contact plus the shortest cycle, on a working day, within capacity (F1).

A customer that was never contacted counts from the day it was assigned to its owner, one without
that day from the day its archive was opened; contacts from before somebody took it out of the public pool do not count. The day that is asked for follows from these alone, never from today, so
that planning twice gives the same plan, and a contact that is late stays late. Beside it come the contacts that follow
from behaviour (``followups.behaviour``). Where the owner's days are full, ``followups.capacity`` finds another day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.followups.asking import SITUATIONS, Asked, Basis, Situation, asked_for, load_basis
from kedang_tenants.followups.capacity import Wish, place
from kedang_tenants.followups.cycles import day_in
from kedang_tenants.followups.models import BEHAVIOURS, CANCELLED, CYCLE, DONE
from kedang_tenants.followups.plan_storing import Ended, OpenPlan, PlanNow, show_plans, store_plans
from kedang_tenants.reading import Viewer

REPLAN: Final = "followups.replan"

_BETWEEN: Final = {"zh": ""}
"""What stands between two sentences, where it is not a space."""
_ESTIMATED = msg("The calendar of {year} is not known yet, so the day is an estimate.")
_MOVED = msg("Asked for on {day}; the days until then are full with {count} contacts each.")

_OPEN: Final = """
SELECT id, customer_id, owner_id, origin, occasion, due_on, wanted_on, rule, created_at FROM follow_up_plan
WHERE customer_id = ANY($1::uuid[]) AND origin = ANY($2::text[]) AND state = 'PLANNED' AND archived_at IS NULL
ORDER BY id
"""
_PER_DAY: Final = "SELECT id, contacts_per_day FROM member WHERE id = ANY($1::uuid[])"
_ONE_AT_A_TIME: Final = """
SELECT pg_advisory_xact_lock(hashtext('contacts a day'), hashtext($1 || owner))
FROM (SELECT owner FROM unnest($2::text[]) AS asked (owner) ORDER BY owner) o
"""
_TAKEN: Final = """
SELECT owner_id, due_on, count(*) AS plans FROM follow_up_plan
WHERE owner_id = ANY($1::uuid[]) AND due_on >= $2 AND NOT (id = ANY($3::uuid[]))
  AND state = 'PLANNED' AND archived_at IS NULL
GROUP BY owner_id, due_on
"""


async def lock_customers(write: TenantWrite, customer_ids: Iterable[UUID]) -> None:
    """Hold customers, so that one transaction at a time plans for them; taken before their plans are."""
    await write.fetch(
        "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", list(customer_ids)
    )


async def plan_next(
    write: TenantWrite, viewer: Viewer, customer_ids: Sequence[UUID], *, clock: Clock, afresh: bool = False
) -> int:
    """Give each of these customers the open plans that cycle and behaviour ask for; returns how many plans changed.

    An open plan is moved, not replaced; it ends where nothing asks for it any more: no cycle, no owner, no
    living customer. Plans made by hand are never touched. What is asked for on the same day as before stays where it
    is, unless contacts are placed ``afresh``: then all of these find their days anew, the oldest first.
    """
    if not customer_ids:
        return 0
    ids = sorted(set(customer_ids))
    await lock_customers(write, ids)
    rows = await write.fetch(SITUATIONS, ids)
    open_plans = await _open_plans(write, ids, ZoneInfo(viewer.time_zone))
    basis = await load_basis(write, viewer, clock=clock)
    asked = await asked_for(write, rows, open_plans, basis)
    days = await _days(write, basis, asked, open_plans, afresh=afresh)
    made, moved = _differing(basis, asked, days)
    ended = list(_ending(rows, open_plans, asked, basis))
    await store_plans(write, viewer, made=made, moved=moved, ended=ended, clock=clock)
    await show_plans(write, ids)
    return len(made) + len(moved) + len(ended)


async def _open_plans(read: TenantRead, ids: Sequence[UUID], zone: ZoneInfo) -> list[OpenPlan]:
    found = []
    for row in await read.fetch(_OPEN, ids, [CYCLE, *BEHAVIOURS]):
        told = dict(row)
        created, rule = day_in(told.pop("created_at"), zone), told.pop("rule")
        assert created is not None
        found.append(OpenPlan(**told, rule=orjson.loads(rule) if rule else None, created_on=created))
    return found


async def _days(
    write: TenantWrite, basis: Basis, asked: Sequence[Asked], open_plans: Sequence[OpenPlan], *, afresh: bool
) -> dict[str, tuple[date, int | None]]:
    """By key the day of all that is asked for, and how many contacts a day its person is planned for at most."""
    per_day = await _per_day(write, basis, {one.owner_id for one in asked})
    bound = [one for one in asked if per_day[one.owner_id] is not None]
    days = {one.key: (one.wanted_on, per_day[one.owner_id]) for one in asked}
    finding: dict[UUID, list[Asked]] = defaultdict(list)
    leaving = {plan.id for plan in open_plans}
    for one in bound:
        if not afresh and one.plan is not None and one.stands and basis.days.is_working(one.plan.due_on):
            days[one.key] = (one.plan.due_on, per_day[one.owner_id])
            leaving.discard(one.plan.id)
        else:
            finding[one.owner_id].append(one)
    taken = await _taken(write, finding, leaving)
    crowded = []
    for owner, theirs in finding.items():
        wishes = [Wish(one.key, one.wanted_on, one.waits) for one in theirs]
        found = place(
            basis.days, wishes, taken=taken[owner], per_day=per_day[owner], later=basis.rule.days_later
        )
        days |= {key: (placed.on, per_day[owner]) for key, placed in found.items()}
        if not afresh and any(placed.over for placed in found.values()):
            crowded.append(owner)
    await _place_afresh_later(write, crowded, basis.today)
    return days


async def _per_day(read: TenantRead, basis: Basis, owners: Collection[UUID]) -> dict[UUID, int | None]:
    rows = await read.fetch(_PER_DAY, sorted(owners))
    return {row["id"]: row["contacts_per_day"] or basis.rule.contacts_per_day for row in rows}


async def _taken(
    write: TenantWrite, finding: Mapping[UUID, Sequence[Asked]], leaving: Collection[UUID]
) -> Mapping[UUID, Counter[date]]:
    """What is planned for persons already, beside the plans that leave their days: they are placed now, or end.

    The persons are held, so that nobody else fills a day.
    """
    taken: dict[UUID, Counter[date]] = defaultdict(Counter)
    if not finding:
        return taken
    await write.fetch(_ONE_AT_A_TIME, write.company.schema, [owner.hex for owner in finding])
    first = min(one.wanted_on for theirs in finding.values() for one in theirs)
    for row in await write.fetch(_TAKEN, list(finding), first, sorted(leaving)):
        taken[row["owner_id"]][row["due_on"]] = row["plans"]
    return taken


async def _place_afresh_later(write: TenantWrite, owners: Iterable[UUID], today: date) -> None:
    """Whose days are too full for what came now is placed afresh by a job, once a day at most."""
    for owner in owners:
        key = f"{REPLAN}:{write.company.schema}:{owner}:{today.isoformat()}"
        await enqueue(write, NewJob(REPLAN, {"member": str(owner)}, key=key))


def _differing(
    basis: Basis, asked: Sequence[Asked], days: Mapping[str, tuple[date, int | None]]
) -> tuple[list[PlanNow], list[tuple[OpenPlan, PlanNow]]]:
    """The plans that are missing, and those that say something else than what they are to say."""
    made: list[PlanNow] = []
    moved: list[tuple[OpenPlan, PlanNow]] = []
    for one in asked:
        due_on, per_day = days[one.key]
        plan = PlanNow(
            customer_id=one.customer_id,
            owner_id=one.owner_id,
            origin=one.origin,
            occasion=one.occasion,
            due_on=due_on,
            wanted_on=one.wanted_on,
            rule=_words(basis, one, due_on, per_day),
        )
        if one.plan is None:
            made.append(plan)
        elif not one.plan.says(plan):
            moved.append((one.plan, plan))
    return made, moved


def _words(basis: Basis, one: Asked, due_on: date, per_day: int | None) -> dict[str, str]:
    """Why there is a contact on this day: what asks for it, whether it was moved, whether the day is an estimate."""
    said = [one.why]
    if due_on != one.wanted_on:
        said.append(_moved_words(one.wanted_on, per_day))
    if basis.calendar.is_estimate(due_on.year):
        said.append(_estimate_words(due_on.year))
    return {key: _BETWEEN.get(key, " ").join(each[key] for each in said) for key in one.why}


@lru_cache(maxsize=1_024)
def _moved_words(wanted_on: date, per_day: int | None) -> Mapping[str, str]:
    return translated(_MOVED, {"day": wanted_on.isoformat(), "count": per_day})


@lru_cache(maxsize=64)
def _estimate_words(year: int) -> Mapping[str, str]:
    return translated(_ESTIMATED, {"year": year})


def _ending(
    rows: Sequence[Situation], open_plans: Sequence[OpenPlan], asked: Sequence[Asked], basis: Basis
) -> Iterator[Ended]:
    """The plans that nothing asks for any more. One by behaviour is done when the customer was reached since it was made."""
    stay = {one.plan.id for one in asked if one.plan is not None}
    reached = {row["id"]: day_in(row["last_contact_at"], basis.zone) for row in rows}
    for plan in open_plans:
        if plan.id in stay:
            continue
        contact = reached.get(plan.customer_id)
        if plan.origin != CYCLE and contact is not None and contact >= plan.created_on:
            yield Ended(plan, DONE, contact)
        else:
            yield Ended(plan, CANCELLED, basis.today)
