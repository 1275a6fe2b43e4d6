"""Schemes: the one a company begins with, putting one in force, asking for its customers to be graded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.level_sets import LEVEL_SETS, level_values
from kedang_tenants.grading.models import PUBLISHED, TRAILING_12_MONTHS
from kedang_tenants.grading.rule import (
    Level,
    Rule,
    find_faults,
    from_document,
    to_document,
)
from kedang_tenants.reading import Scope, Viewer

REGRADE = "grading.regrade"


class SchemeNotPublished(BadUserInput):
    """The scheme has no rule in force yet, so nobody can be graded by it."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A published scheme with its rule; ``leads`` when it gives customers the grade they are shown with."""

    id: UUID
    leads: bool
    rule: Rule


async def schemes_in_force(read: TenantRead, scheme_id: UUID | None = None) -> list[InForce]:
    """The published schemes, or the one with that id when it is published."""
    rows = await read.fetch(
        "SELECT id, leads, rule FROM grade_scheme WHERE state = $1 AND archived_at IS NULL"
        " AND ($2::uuid IS NULL OR id = $2) ORDER BY id",
        PUBLISHED,
        scheme_id,
    )
    return [InForce(row["id"], row["leads"], from_document(orjson.loads(row["rule"]))) for row in rows]


async def publish_scheme(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID, clock: Clock) -> UUID:
    """Put the scheme as it is edited in force under the next version of its rule, and have everybody graded.

    Publishing what is in force already makes no new version. Returns the job's id. Raises Forbidden,
    NotFound, and Refused with every fault of the scheme and its levels.
    """
    _ensure_may_set_up(viewer)
    scheme = await _locked_scheme(write, scheme_id)
    levels = await _levels(write, scheme_id)
    faults = find_faults(
        measure=scheme["measure"], period=scheme["period"], year=scheme["year"], levels=levels
    )
    if faults:
        raise Refused(faults)
    rule = Rule(
        version=scheme["rule_version"] + 1,
        measure=scheme["measure"],
        period=scheme["period"],
        year=scheme["year"],
        levels=tuple(levels),
    )
    if not _is_in_force(scheme, rule):
        values = {
            "state": PUBLISHED,
            "rule": to_document(rule),
            "rule_version": rule.version,
            "published_at": clock.now(),
        }
        await change_internally(
            write, viewer, [Change("grade_scheme", "update", scheme_id, values=values)], clock=clock
        )
    return await enqueue_regrade(write, scheme_id)


def _is_in_force(scheme: asyncpg.Record, rule: Rule) -> bool:
    if scheme["rule"] is None:
        return False
    present = from_document(orjson.loads(scheme["rule"]))
    return replace(rule, version=present.version) == present


async def grade_everybody(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID) -> UUID:
    """Ask for all customers to be graded by a scheme's rule in force; returns the job's id.

    Raises Forbidden, NotFound, SchemeNotPublished.
    """
    _ensure_may_set_up(viewer)
    scheme = await _locked_scheme(write, scheme_id)
    if scheme["state"] != PUBLISHED:
        raise SchemeNotPublished(msg("Publish the grade scheme first."), path=("input", "schemeId"))
    return await enqueue_regrade(write, scheme_id)


async def enqueue_regrades(write: TenantWrite, schemes: list[InForce]) -> None:
    """Ask for all customers to be graded by each of the schemes."""
    for scheme in schemes:
        await enqueue_regrade(write, scheme.id)


async def enqueue_regrade(write: TenantWrite, scheme_id: UUID) -> UUID:
    (job_id,) = await enqueue(write, NewJob(REGRADE, {"scheme": str(scheme_id)}))
    return job_id


def _ensure_may_set_up(viewer: Viewer) -> None:
    if viewer.on("grade_scheme").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


async def _locked_scheme(write: TenantWrite, scheme_id: UUID) -> asyncpg.Record:
    row = await write.fetchrow(
        "SELECT measure, period, year, state, rule_version, rule FROM grade_scheme"
        " WHERE id = $1 AND archived_at IS NULL FOR UPDATE",
        scheme_id,
    )
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "schemeId"))
    return row


async def _levels(read: TenantRead, scheme_id: UUID) -> list[Level]:
    rows = await read.fetch(
        "SELECT id, code, position, minimum, exclusive FROM grade_level"
        " WHERE scheme_id = $1 AND archived_at IS NULL ORDER BY position, id",
        scheme_id,
    )
    return [Level(r["id"], r["code"], r["position"], r["minimum"], r["exclusive"]) for r in rows]


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
