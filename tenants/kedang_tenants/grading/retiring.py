"""Retiring a level into another: its customers go there, it stays in the history and is given no more (G1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.grading.showing import show_grades
from kedang_tenants.grading.usage import IN_FORCE, SCHEDULED, uses_of
from kedang_tenants.reading import Scope, Viewer


class WrongSuccessor(BadUserInput):
    """A level goes into another one of its own scheme that has not gone itself."""


@dataclass(frozen=True, slots=True)
class Retired:
    """What retiring a level did: how many customers went into the other, and how many of its own price steps ended."""

    customers: int
    price_steps: int


_SCHEME: Final = "SELECT id, leads FROM grade_scheme WHERE id = $1 FOR UPDATE"
_LEFT: Final = "SELECT customer_id FROM customer_grade WHERE level_id = $1 AND current ORDER BY customer_id"
_LOCK: Final = "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_STEPS: Final = """
SELECT id FROM price_step WHERE grade_level_id = $1 AND archived_at IS NULL ORDER BY product_id, id
"""
_END: Final = """
UPDATE customer_grade SET current = false, ended_at = $2, updated_at = $2, version = version + 1
WHERE level_id = $1 AND current
RETURNING id, customer_id
"""
_BEGIN: Final = """
INSERT INTO customer_grade (id, version, created_at, updated_at, custom, customer_id, scheme_id, level_id,
                            rule_version, figures, withheld, explanation, current, graded_at, held_since,
                            by_hand, reason, until, given_by_id)
SELECT given.id, 1, $2, $2, '{}', g.customer_id, g.scheme_id, $1, g.rule_version, g.figures, g.withheld,
       g.explanation, true, $2, $3, g.by_hand, g.reason, g.until, g.given_by_id
FROM unnest($4::uuid[], $5::uuid[]) AS given (id, before_id) JOIN customer_grade g ON g.id = given.before_id
"""


async def retire_level(
    write: TenantWrite,
    viewer: Viewer,
    *,
    level_id: UUID,
    into_id: UUID,
    version: int | None = None,
    clock: Clock,
) -> Retired:
    """Move all customers of a level into another of its scheme and archive it.

    What was given by hand stays given by hand, with its reason and last day. Prices of the level end with it: its
    customers have those of the other level from then on. Raises NotFound, Archived, Forbidden,
    WrongSuccessor, and Refused where the rule in force or one that is scheduled gives the level still.
    """
    if viewer.on("grade_level").archive is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    level = await hold_for_change(write, viewer, "grade_level", level_id)
    into = await hold_for_change(write, viewer, "grade_level", into_id, path=("input", "intoId"))
    if into["id"] == level["id"] or into["scheme_id"] != level["scheme_id"]:
        message = msg("A level is retired into another level of its own scheme.")
        raise WrongSuccessor(message, path=("input", "intoId"))
    scheme = await write.fetchrow(_SCHEME, level["scheme_id"])
    if scheme is None:
        raise NotFound(msg("There is no such record."))
    await _ensure_free(write, level_id)
    moved = await _move(write, level_id, into_id, viewer, clock)
    price_steps = await _end_prices(write, viewer, level_id, clock)
    await _go(write, viewer, level_id, into_id, version, clock)
    if scheme["leads"] and moved:
        await show_grades(write, viewer, scheme_id=scheme["id"], customer_ids=moved, clock=clock)
    return Retired(len(moved), price_steps)


async def _ensure_free(write: TenantWrite, level_id: UUID) -> None:
    use = (await uses_of(write, [level_id])).get(level_id)
    if use == IN_FORCE:
        message = msg("The rule in force gives this level: publish a version without it first.")
        raise Refused([UserError("LEVEL_IN_FORCE", message, ("input", "id"))])
    if use == SCHEDULED:
        message = msg("A version of the rule that is scheduled gives this level.")
        raise Refused([UserError("LEVEL_SCHEDULED", message, ("input", "id"))])


async def _move(
    write: TenantWrite, level_id: UUID, into_id: UUID, viewer: Viewer, clock: Clock
) -> list[UUID]:
    customers = [row["customer_id"] for row in await write.fetch(_LEFT, level_id)]
    if not customers:
        return []
    await write.fetch(_LOCK, customers)
    now = clock.now()
    # A run may have moved some of them before they were locked.
    ended = await write.fetch(_END, level_id, now)
    before = [row["id"] for row in ended]
    await write.fetch(_BEGIN, into_id, now, viewer.today(clock), [new_id() for _ in ended], before)
    return [row["customer_id"] for row in ended]


async def _end_prices(write: TenantWrite, viewer: Viewer, level_id: UUID, clock: Clock) -> int:
    """Archive the price steps that hold for the level alone: nobody has it any more."""
    ended = [Change("price_step", "archive", row["id"]) for row in await write.fetch(_STEPS, level_id)]
    if ended:
        await change_internally(write, viewer, ended, clock=clock)
    return len(ended)


async def _go(
    write: TenantWrite, viewer: Viewer, level_id: UUID, into_id: UUID, version: int | None, clock: Clock
) -> None:
    told = Change("grade_level", "update", level_id, version, {"retired_into_id": into_id})
    await change_internally(write, viewer, [told], clock=clock)
    await change_internally(write, viewer, [Change("grade_level", "archive", level_id)], clock=clock)
