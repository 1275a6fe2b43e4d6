"""What is asked for at this moment: for some customers every contact that their cycles and their behaviour want."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.followups.behaviour import Occasion, day_of, occasions_of
from kedang_tenants.followups.capacity import Days
from kedang_tenants.followups.cycles import CLASS_CYCLE, cycle_of, day_in, rhythm_of, why
from kedang_tenants.followups.models import CYCLE
from kedang_tenants.followups.plan_storing import OpenPlan
from kedang_tenants.followups.planning_rules import PlanningRule, planning_rule
from kedang_tenants.hot.rule import cycle_days
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

Situation: TypeAlias = asyncpg.Record
"""A row of ``SITUATIONS``: a customer with what its contacts follow from."""
Standing: TypeAlias = Mapping[tuple[UUID, str, str | None], OpenPlan]
"""The open plans by customer, origin and occasion."""

SITUATIONS: Final = f"""
SELECT c.id, c.owner_id, c.last_contact_at, c.assigned_on, c.created_at, c.archived_at, c.hot_since,
       l.code AS level, l.cycle_days AS level_days, k.name AS class_name, k.cycle_days AS class_days,
       (SELECT max(m.moved_on) FROM pool_move m
        WHERE m.customer_id = c.id AND m.kind IN ('CLAIMED', 'SHARED_OUT')) AS claimed_on
FROM customer c LEFT JOIN grade_level l ON l.id = c.grade_level_id {CLASS_CYCLE}
WHERE c.id = ANY($1::uuid[]) ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class Basis:
    """By what a company plans at this moment."""

    calendar: WorkingCalendar
    days: Days
    zone: ZoneInfo
    today: date
    rule: PlanningRule
    hot_days: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A contact that is asked for. ``waits`` is since when, ``plan`` the open one that stands for it."""

    customer_id: UUID
    owner_id: UUID
    origin: str
    occasion: str | None
    wanted_on: date
    waits: date
    why: Mapping[str, str]
    plan: OpenPlan | None

    @property
    def key(self) -> str:
        """What tells it from everything else that is asked for; the same whenever it is asked."""
        return f"{self.customer_id.hex}:{self.origin}:{self.occasion or ''}"

    @property
    def stands(self) -> bool:
        """Whether its plan is for the same person and was asked for on the same day."""
        return (
            self.plan is not None
            and self.plan.owner_id == self.owner_id
            and self.plan.wanted_on == self.wanted_on
        )


async def load_basis(read: TenantRead, viewer: Viewer, *, clock: Clock) -> Basis:
    """That of the company that ``read`` stands in."""
    calendar = await load_calendar(read, country=viewer.country)
    return Basis(
        calendar=calendar,
        days=Days(calendar),
        zone=ZoneInfo(viewer.time_zone),
        today=viewer.today(clock),
        rule=await planning_rule(read, viewer),
        hot_days=await cycle_days(read),
    )


def is_planned_for(row: Situation) -> bool:
    """Whether there is a living customer, and somebody to contact it."""
    return row["owner_id"] is not None and row["archived_at"] is None


async def asked_for(
    read: TenantRead, rows: Sequence[Situation], open_plans: Sequence[OpenPlan], basis: Basis
) -> list[Asked]:
    """Everything that is asked for of these customers, at most once by the cycle and once by each occasion."""
    living = [row for row in rows if is_planned_for(row)]
    standing = {(plan.customer_id, plan.origin, plan.occasion): plan for plan in open_plans}
    occasions = await occasions_of(read, [row["id"] for row in living], basis.rule, zone=basis.zone.key)
    return [
        one
        for row in living
        for one in (
            *_by_cycle(row, standing, basis),
            *_by_behaviour(row, occasions.get(row["id"], ()), standing, basis),
        )
    ]


def _by_cycle(row: Situation, standing: Standing, basis: Basis) -> Iterator[Asked]:
    cycle = cycle_of(row, hot_days=basis.hot_days)
    if cycle is None:
        return
    rhythm = rhythm_of(row, cycle, basis.zone)
    yield Asked(
        customer_id=row["id"],
        owner_id=row["owner_id"],
        origin=CYCLE,
        occasion=None,
        wanted_on=basis.days.on_or_after(rhythm.due),
        waits=rhythm.anchor,
        why=why(rhythm),
        plan=standing.get((row["id"], CYCLE, None)),
    )


def _by_behaviour(
    row: Situation, occasions: Sequence[Occasion], standing: Standing, basis: Basis
) -> Iterator[Asked]:
    last_contact = day_in(row["last_contact_at"], basis.zone)
    # Whoever takes a customer out of the public pool is not late with what others let lie.
    claimed = basis.days.on_or_after(row["claimed_on"]) if row["claimed_on"] else date.min
    for one in occasions:
        plan = standing.get((row["id"], one.origin, one.key))
        before = plan.wanted_on if plan else None
        day = day_of(one, basis.rule, standing=before, working=basis.days.on_or_after)
        if day is not None and not one.is_met(last_contact):
            yield Asked(
                customer_id=row["id"],
                owner_id=row["owner_id"],
                origin=one.origin,
                occasion=one.key,
                wanted_on=max(day, claimed),
                waits=one.fact,
                why=one.why(),
                plan=plan,
            )
