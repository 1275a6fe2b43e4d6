"""Schemes: the one a company begins with, those in force, asking for their customers to be graded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.drafting import GRADED_BY_HAND, SchemeGradedByHand
from kedang_tenants.grading.level_sets import LEVEL_SETS, level_values
from kedang_tenants.grading.models import HAND, PUBLISHED, TRAILING_12_MONTHS
from kedang_tenants.grading.rule_content import GradeRule
from kedang_tenants.grading.rule_reading import rule_in_force
from kedang_tenants.reading import Scope, Viewer

REGRADE = "grading.regrade"


class SchemeNotPublished(BadUserInput):
    """The scheme has no rule in force yet, so nobody can be graded by it."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A published scheme with its rule; ``leads`` when it gives customers the grade they are shown with."""

    id: UUID
    leads: bool
    rule: GradeRule


async def schemes_in_force(read: TenantRead, scheme_id: UUID | None = None) -> list[InForce]:
    """The schemes that grade by a rule, or the one with that id when it does."""
    rows = await read.fetch(
        "SELECT id, leads, rule FROM grade_scheme WHERE state = $1 AND graded_by <> $3 AND archived_at IS NULL"
        " AND ($2::uuid IS NULL OR id = $2) ORDER BY id",
        PUBLISHED,
        scheme_id,
        HAND,
    )
    if not rows:
        return []
    measures = await measures_of(read, dropped=True)
    return [
        InForce(row["id"], row["leads"], rule_in_force(orjson.loads(row["rule"]), measures)) for row in rows
    ]


async def grade_everybody(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID) -> UUID:
    """Ask for all customers to be graded by a scheme's rule in force; returns the job's id.

    Raises Forbidden, NotFound, SchemeNotPublished, SchemeGradedByHand.
    """
    if viewer.on("grade_scheme").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    row = await write.fetchrow(
        "SELECT state, graded_by FROM grade_scheme WHERE id = $1 AND archived_at IS NULL", scheme_id
    )
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "schemeId"))
    if row["graded_by"] == HAND:
        raise SchemeGradedByHand(GRADED_BY_HAND, path=("input", "schemeId"))
    if row["state"] != PUBLISHED:
        raise SchemeNotPublished(msg("Publish the grade scheme first."), path=("input", "schemeId"))
    return await enqueue_regrade(write, scheme_id)


async def enqueue_regrades(write: TenantWrite, schemes: list[InForce]) -> None:
    """Ask for all customers to be graded by each of the schemes."""
    for scheme in schemes:
        await enqueue_regrade(write, scheme.id)


async def enqueue_regrade(write: TenantWrite, scheme_id: UUID) -> UUID:
    """Ask for all customers to be graded by a scheme; returns the job's id."""
    (job_id,) = await enqueue(write, NewJob(REGRADE, {"scheme": str(scheme_id)}))
    return job_id


# From which sum of sales in a year on the levels of the first set are given, and whether more than it is needed.
_SUMS = (
    (Decimal(20_000), False),
    (Decimal(10_000), False),
    (Decimal(3_000), False),
    (Decimal(0), True),
    (None, False),
)


async def seed_grading(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> UUID:
    """The scheme A-E that every company begins with (T1), as a draft: its sums are the company's to decide.

    Returns the scheme's id.
    """
    scheme_id = new_id()
    scheme = Change(
        "grade_scheme",
        "create",
        scheme_id,
        values={
            "name": translate(msg("Value of customers"), viewer.language),
            "leads": True,
            "period": TRAILING_12_MONTHS,
        },
    )
    levels = [
        Change(
            "grade_level",
            "create",
            values=level_values(scheme_id, level, place) | {"minimum": minimum, "exclusive": exclusive},
        )
        for place, (level, (minimum, exclusive)) in enumerate(
            zip(LEVEL_SETS[0].levels, _SUMS, strict=True), start=1
        )
    ]
    await change_internally(write, viewer, [scheme, *levels], clock=clock)
    return scheme_id
