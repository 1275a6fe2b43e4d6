"""Writing the plans that the product itself makes, many at once: rows, audit, and what customers show of them.

A few statements however many plans there are; the trail and the events are those of any other change.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.ids import new_id
from kedang_tenants.changing import audit
from kedang_tenants.followups.models import CANCELLED, PLANNED
from kedang_tenants.followups.ranking import URGENCY
from kedang_tenants.reading import Viewer

RECORD: Final = "follow_up_plan"


@dataclass(frozen=True, slots=True)
class PlanNow:
    """What a plan of the product's says, or is to say."""

    customer_id: UUID
    owner_id: UUID
    origin: str
    occasion: str | None
    due_on: date
    wanted_on: date
    rule: dict[str, str]


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A plan as it stands. What earlier releases made has no day that was asked for."""

    id: UUID
    customer_id: UUID
    owner_id: UUID | None
    origin: str
    occasion: str | None
    due_on: date
    wanted_on: date | None
    rule: dict[str, str] | None
    created_on: date

    def says(self, plan: PlanNow) -> bool:
        """Whether it says already what it is to say."""
        return (self.owner_id, self.due_on, self.wanted_on) == (
            plan.owner_id,
            plan.due_on,
            plan.wanted_on,
        ) and self.rule == plan.rule


@dataclass(frozen=True, slots=True)
class Ended:
    """An open plan that is done or cancelled, and on which day."""

    plan: OpenPlan
    state: str
    on: date


_CREATE: Final = """
INSERT INTO follow_up_plan (id, version, created_at, updated_at, custom, customer_id, owner_id, origin, occasion,
                            due_on, wanted_on, rule, state)
SELECT id, 1, $9, $9, '{}', customer_id, owner_id, origin, occasion, due_on, wanted_on, rule, 'PLANNED'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[], $7::date[], $8::jsonb[])
     AS given (id, customer_id, owner_id, origin, occasion, due_on, wanted_on, rule)
"""
_MOVE: Final = """
UPDATE follow_up_plan p
SET owner_id = given.owner_id, due_on = given.due_on, wanted_on = given.wanted_on, rule = given.rule,
    updated_at = $6, version = version + 1
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::date[], $5::jsonb[])
     AS given (id, owner_id, due_on, wanted_on, rule)
WHERE p.id = given.id
"""
# An occasion that nothing asks for any more may come again: another owner, a quotation that is sent once more.
_END: Final = f"""
UPDATE follow_up_plan p
SET state = given.state, done_on = given.done_on, updated_at = $4, version = version + 1,
    occasion = CASE WHEN given.state <> '{CANCELLED}' THEN p.occasion END
FROM unnest($1::uuid[], $2::text[], $3::date[]) AS given (id, state, done_on)
WHERE p.id = given.id
"""
# Of both tables the customers are said: from one alone follows no index of the other, and all plans there are would be read.
_SHOW: Final = f"""
WITH rated AS (
    UPDATE follow_up_plan p SET urgency = {URGENCY}
    FROM customer c
    WHERE c.id = p.customer_id AND c.id = ANY($1::uuid[]) AND p.customer_id = ANY($1::uuid[])
      AND p.state = 'PLANNED' AND p.archived_at IS NULL AND p.urgency <> {URGENCY}
)
UPDATE customer c SET next_follow_up_on = found.due_on
FROM (
    SELECT asked.id, min(p.due_on) AS due_on
    FROM unnest($1::uuid[]) AS asked(id)
    LEFT JOIN follow_up_plan p ON p.customer_id = asked.id AND p.state = 'PLANNED' AND p.archived_at IS NULL
    GROUP BY asked.id
) found
WHERE c.id = found.id AND c.next_follow_up_on IS DISTINCT FROM found.due_on
"""

_RATE: Final = f"""
UPDATE follow_up_plan p SET urgency = {URGENCY}
FROM customer c
WHERE c.id = p.customer_id AND c.grade_level_id = ANY($1::uuid[])
  AND p.state = 'PLANNED' AND p.archived_at IS NULL AND p.urgency <> {URGENCY}
"""


async def rate_plans(write: TenantWrite, level_ids: Collection[UUID]) -> None:
    """Keep right how urgent the open plans of the customers of these levels are, when levels have another order."""
    if level_ids:
        await write.fetch(_RATE, sorted(level_ids))


async def show_plans(write: TenantWrite, customer_ids: Collection[UUID]) -> None:
    """Keep right at these customers, who are held, the day of the next follow-up and how urgent their open plans are."""
    await write.fetch(_SHOW, sorted(customer_ids))


async def store_plans(
    write: TenantWrite,
    viewer: Viewer,
    *,
    made: Sequence[PlanNow],
    moved: Sequence[tuple[OpenPlan, PlanNow]],
    ended: Sequence[Ended],
    clock: Clock,
) -> None:
    """Write new plans, those that say something else now, and those that end; ``viewer`` is named as the actor."""
    ids = [new_id() for _ in made]
    await _end(write, ended, clock)
    await _move(write, moved, clock)
    await _create(write, ids, made, clock)
    entries = [
        *((RECORD, "updated", one.plan.id, _ending(one)) for one in ended),
        *((RECORD, "updated", old.id, _difference(old, new)) for old, new in moved),
        *((RECORD, "created", each, _all_of(new)) for each, new in zip(ids, made, strict=True)),
    ]
    await audit(write, viewer, entries, clock=clock)


async def _create(write: TenantWrite, ids: list[UUID], made: Sequence[PlanNow], clock: Clock) -> None:
    if made:
        await write.fetch(
            _CREATE,
            ids,
            [new.customer_id for new in made],
            [new.owner_id for new in made],
            [new.origin for new in made],
            [new.occasion for new in made],
            [new.due_on for new in made],
            [new.wanted_on for new in made],
            [_json(new.rule) for new in made],
            clock.now(),
        )


async def _move(write: TenantWrite, moved: Sequence[tuple[OpenPlan, PlanNow]], clock: Clock) -> None:
    if moved:
        await write.fetch(
            _MOVE,
            [old.id for old, _ in moved],
            [new.owner_id for _, new in moved],
            [new.due_on for _, new in moved],
            [new.wanted_on for _, new in moved],
            [_json(new.rule) for _, new in moved],
            clock.now(),
        )


async def _end(write: TenantWrite, ended: Sequence[Ended], clock: Clock) -> None:
    if ended:
        await write.fetch(
            _END,
            [one.plan.id for one in ended],
            [one.state for one in ended],
            [one.on for one in ended],
            clock.now(),
        )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _all_of(new: PlanNow) -> dict[str, object]:
    told = {
        "customer_id": new.customer_id.hex,
        "owner_id": new.owner_id.hex,
        "origin": new.origin,
        "occasion": new.occasion,
        "due_on": new.due_on.isoformat(),
        "wanted_on": new.wanted_on.isoformat(),
        "rule": new.rule,
        "state": PLANNED,
    }
    return {name: [None, value] for name, value in told.items() if value is not None}


def _difference(old: OpenPlan, new: PlanNow) -> dict[str, object]:
    pairs: dict[str, tuple[object, object]] = {
        "owner_id": (old.owner_id.hex if old.owner_id else None, new.owner_id.hex),
        "due_on": (old.due_on.isoformat(), new.due_on.isoformat()),
        "wanted_on": (old.wanted_on.isoformat() if old.wanted_on else None, new.wanted_on.isoformat()),
        "rule": (old.rule, new.rule),
    }
    return {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _ending(one: Ended) -> dict[str, object]:
    told: dict[str, object] = {"state": [PLANNED, one.state], "done_on": [None, one.on.isoformat()]}
    if one.state == CANCELLED and one.plan.occasion is not None:
        told["occasion"] = [one.plan.occasion, None]
    return told
