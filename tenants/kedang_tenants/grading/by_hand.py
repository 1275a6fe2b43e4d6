"""Grading by hand: with a reason, until a day, by whom the scheme and the policy let (G2, G3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Archived
from kedang_tenants.grading.grades import grade_customers
from kedang_tenants.grading.models import HAND, RULE
from kedang_tenants.grading.showing import show_grades
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement


class SchemeGradedByRule(BadUserInput):
    """The scheme gives its grades by the rule alone."""


class NotGradedByHand(BadUserInput):
    """The customer has no grade in this scheme that was given by hand."""


@dataclass(frozen=True, slots=True)
class _Level:
    """A level that may be given, with its scheme."""

    id: UUID
    code: str
    scheme_id: UUID
    graded_by: str
    owners_may: bool
    leads: bool
    rule_version: int


async def grade_by_hand(
    write: TenantWrite,
    viewer: Viewer,
    *,
    customer_id: UUID,
    level_id: UUID,
    reason: str,
    until: date | None,
    clock: Clock,
) -> UUID:
    """Give a customer a level with a reason, ``until`` a last day; returns the grade's id.

    The day may be left out only where the scheme is graded by hand alone. Raises NotFound, Archived, Forbidden,
    SchemeGradedByRule, and Refused for a missing reason or day, and for a day that has passed.
    """
    level = await _held_level(write, level_id)
    await _hold_customer(write, viewer, customer_id, owners_may=level.owners_may)
    if level.graded_by == RULE:
        raise SchemeGradedByRule(msg("This scheme is graded by the rule alone."), path=("input", "levelId"))
    today = viewer.today(clock)
    faults = _faults(reason, until, today, needs_day=level.graded_by != HAND)
    if faults:
        raise Refused(faults)
    before = await _current(write, customer_id, level.scheme_id)
    await _end(write, viewer, before, clock)
    same = before is not None and before["level_id"] == level.id
    values: dict[str, Any] = {
        "customer_id": customer_id,
        "scheme_id": level.scheme_id,
        "level_id": level.id,
        "rule_version": level.rule_version,
        "figures": _figures(before),
        "explanation": _explanation(level.code, until),
        "graded_at": clock.now(),
        "held_since": before["held_since"] if before is not None and same else today,
        "by_hand": True,
        "reason": reason,
        "until": until,
        "given_by_id": viewer.member_id,
    }
    (made,) = await change_internally(
        write, viewer, [Change("customer_grade", "create", values=values)], clock=clock
    )
    if level.leads:
        await show_grades(write, viewer, scheme_id=level.scheme_id, customer_ids=[customer_id], clock=clock)
    return made.id


async def end_grade_by_hand(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, scheme_id: UUID, clock: Clock
) -> None:
    """End a grade that was given by hand: the rule grades the customer again, or nobody does.

    Raises NotFound, Archived, Forbidden, NotGradedByHand.
    """
    scheme = await write.fetchrow(_SCHEME, scheme_id)
    if scheme is None:
        raise NotFound(msg("There is no such record."), path=("input", "schemeId"))
    await _hold_customer(write, viewer, customer_id, owners_may=scheme["owners_may_override"])
    before = await _current(write, customer_id, scheme_id)
    if before is None or not before["by_hand"]:
        raise NotGradedByHand(
            msg("The customer has no grade in this scheme that was given by hand."),
            path=("input", "customerId"),
        )
    await let_go(write, viewer, scheme_id=scheme_id, grades=[before], leads=scheme["leads"], clock=clock)


async def let_go(
    write: TenantWrite,
    viewer: Viewer,
    *,
    scheme_id: UUID,
    grades: list[asyncpg.Record],
    leads: bool,
    clock: Clock,
) -> None:
    """End grades that were given by hand, rows with ``id`` and ``customer_id``, and have the rule say what follows."""
    values = {"current": False, "ended_at": clock.now()}
    ended = [Change("customer_grade", "update", grade["id"], values=values) for grade in grades]
    await change_internally(write, viewer, ended, clock=clock)
    customers = [grade["customer_id"] for grade in grades]
    await grade_customers(write, viewer, customers, scheme_id=scheme_id, clock=clock)
    if leads:
        await show_grades(write, viewer, scheme_id=scheme_id, customer_ids=customers, clock=clock)


_SCHEME: Final = "SELECT owners_may_override, leads FROM grade_scheme WHERE id = $1 AND archived_at IS NULL"
_LEVEL: Final = """
SELECT l.id, l.code, s.id AS scheme_id, s.graded_by, s.owners_may_override AS owners_may, s.leads, s.rule_version
FROM grade_level l JOIN grade_scheme s ON s.id = l.scheme_id
WHERE l.id = $1 AND l.archived_at IS NULL AND s.archived_at IS NULL FOR SHARE
"""
_CURRENT: Final = """
SELECT g.id, g.customer_id, g.level_id, g.held_since, g.by_hand, g.figures, l.code
FROM customer_grade g JOIN grade_level l ON l.id = g.level_id
WHERE g.customer_id = $1 AND g.scheme_id = $2 AND g.current FOR UPDATE OF g
"""


async def _held_level(write: TenantWrite, level_id: UUID) -> _Level:
    """The level, which nobody retires before this transaction has ended."""
    row = await write.fetchrow(_LEVEL, level_id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "levelId"))
    return _Level(**dict(row))


async def _hold_customer(write: TenantWrite, viewer: Viewer, customer_id: UUID, *, owners_may: bool) -> None:
    """Lock the customer as a run does; raises unless the viewer sees it and may grade it by hand."""
    statement, kind = Statement(), catalogue().record("customer")
    scope = viewer.on("customer_grade").update
    seen = visible(statement, viewer, kind, "c") or "TRUE"
    may = owned(statement, viewer, kind, "c", scope, writing=True) or "TRUE"
    row = await write.fetchrow(
        f"SELECT c.archived_at, {may} AS may FROM customer c"
        f" WHERE c.id = {statement.bind(customer_id)}::uuid AND {seen} FOR NO KEY UPDATE OF c",
        *statement.values,
    )
    path = ("input", "customerId")
    if row is None:
        raise NotFound(msg("There is no such record."), path=path)
    if not row["may"]:
        raise Forbidden(msg("You may not do this."), path=path)
    if scope is Scope.OWN and not owners_may:
        raise Forbidden(msg("In this scheme owners do not grade their own customers."), path=path)
    if row["archived_at"] is not None:
        raise Archived(msg("This record is archived; restore it first."), path=path)


def _faults(reason: str, until: date | None, today: date, *, needs_day: bool) -> list[UserError]:
    faults = []
    if not reason.strip():
        faults.append(UserError("REQUIRED", msg("This must be filled in."), ("input", "reason")))
    if until is None and needs_day:
        message = msg("A grade above the rule needs its last day.")
        faults.append(UserError("REQUIRED", message, ("input", "until")))
    if until is not None and until < today:
        faults.append(UserError("IN_THE_PAST", msg("This lies in the past."), ("input", "until")))
    return faults


async def _current(write: TenantWrite, customer_id: UUID, scheme_id: UUID) -> asyncpg.Record | None:
    return await write.fetchrow(_CURRENT, customer_id, scheme_id)


async def _end(write: TenantWrite, viewer: Viewer, before: asyncpg.Record | None, clock: Clock) -> None:
    if before is not None:
        values = {"current": False, "ended_at": clock.now()}
        await change_internally(
            write, viewer, [Change("customer_grade", "update", before["id"], values=values)], clock=clock
        )


def _figures(before: asyncpg.Record | None) -> dict[str, Any]:
    """What stood there before the hand: the level that it replaces, and what the rule had measured."""
    if before is None:
        return {"byHand": True}
    figures = orjson.loads(before["figures"])
    if before["by_hand"]:
        return {"byHand": True, **{name: figures[name] for name in ("level", "figures") if name in figures}}
    return {"byHand": True, "level": before["code"], "figures": figures}


_FOR_GOOD = msg("Level {level} was given by hand.")
_FOR_A_TIME = msg("Level {level} was given by hand, until {until}.")


def _explanation(code: str, until: date | None) -> dict[str, str]:
    if until is None:
        return translated(_FOR_GOOD, {"level": code})
    return translated(_FOR_A_TIME, {"level": code, "until": until.isoformat()})
