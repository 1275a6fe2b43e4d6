"""A dry run: everybody is judged, who would move is kept with the figures that say why, nobody's grade is touched (G3).

What it says is what the run will do: both take the same judgement, and leave what was given by hand alone. The guard
against swinging holds nobody under a new version of the rule, so it has no part in a dry run of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.grading import settling
from kedang_tenants.grading.judging import judgement
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import GradeRule

_HAVE: Final = """
SELECT g.level_id, count(*) AS customers,
       count(*) FILTER (WHERE g.by_hand AND (g.until IS NULL OR g.until >= $2)) AS by_hand
FROM customer_grade g JOIN customer c ON c.id = g.customer_id AND c.archived_at IS NULL
WHERE g.scheme_id = $1 AND g.current
GROUP BY g.level_id
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that is being made."""

    id: UUID
    scheme_id: UUID
    rule: GradeRule
    in_force: bool
    """Whether it is the version in force that is tried, so that the guard against swinging holds."""


Ways = Mapping[tuple[UUID | None, UUID | None], int]
"""From which level (None: no grade) to which how many customers go."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    seen: int
    moved: int
    kept_by_hand: int
    document: dict[str, Any]


async def dry_run(write: TenantWrite, trial: Trial, *, as_of: date, currency: str, clock: Clock) -> Outcome:
    """Make a dry run and keep who would move; repeating it keeps nobody twice."""
    have = await write.fetch(_HAVE, trial.scheme_id, as_of)
    ways = {
        (row["old"], row["new"]): row["customers"]
        for row in await _keep(write, trial, as_of, currency, clock)
    }
    return _outcome(have, ways)


async def _keep(
    write: TenantWrite, trial: Trial, as_of: date, currency: str, clock: Clock
) -> Sequence[asyncpg.Record]:
    places = Places()
    judged = judgement(trial.rule, as_of=[as_of], currency=currency, places=places)
    scheme, trial_id = places.bind(trial.scheme_id, "uuid"), places.bind(trial.id, "uuid")
    now, day = places.bind(clock.now(), "timestamptz"), places.bind(as_of, "date")
    by_hand = settling.BY_HAND.format(g="g", as_of=day)
    had_rank = settling.had_rank(trial.rule, places)
    keeps = settling.KEEPS.format(
        g="g",
        j="j",
        as_of=day,
        days=trial.rule.guard_days if trial.in_force else 0,
        version=trial.rule.version,
        rank=had_rank,
    )
    sql = f"""
WITH kept AS (
    INSERT INTO grade_trial_row (id, version, created_at, updated_at, custom, trial_id, customer_id, as_of, move,
                                 from_level_id, to_level_id, score, figures, withheld, explanation)
    SELECT md5({trial_id}::text || j.customer_id::text)::uuid, 1, {now}, {now}, '{{}}', {trial_id}, j.customer_id, j.as_of,
           {MOVE.format(old="g.level_id", new="j.level_id", old_rank=had_rank, new_rank="j.rank")},
           g.level_id, j.level_id, j.score, {judged.figures}, {judged.withheld}, {judged.explanation}
    FROM ({judged.verdicts}) j
    LEFT JOIN customer_grade g ON g.customer_id = j.customer_id AND g.scheme_id = {scheme} AND g.current
    LEFT JOIN grade_level l ON l.id = g.level_id
    WHERE g.level_id IS DISTINCT FROM j.level_id AND NOT {by_hand} AND NOT {keeps}
    ON CONFLICT (id) DO NOTHING
    RETURNING from_level_id AS old, to_level_id AS new
)
SELECT old, new, count(*) AS customers FROM kept GROUP BY old, new
"""
    return await write.fetch(sql, *places.values)


MOVE: Final = (
    "CASE WHEN {old} IS NULL THEN 'NEW' WHEN {new} IS NULL THEN 'ENDED'"
    " WHEN {new_rank} < {old_rank} THEN 'UP' ELSE 'DOWN' END"
)


def _outcome(have: Sequence[asyncpg.Record], ways: Ways) -> Outcome:
    before = {row["level_id"]: row["customers"] for row in have}
    after = dict(before)
    whole = dict(ways)
    for (old, new), customers in ways.items():
        for level, more in ((old, -customers), (new, customers)):
            if level is not None:
                after[level] = after.get(level, 0) + more
    for level, customers in before.items():
        stay = customers - sum(gone for (old, _), gone in ways.items() if old == level)
        if stay:
            whole[level, level] = stay
    levels = [
        {"level": public_level(level), "before": before.get(level, 0), "after": after.get(level, 0)}
        for level in sorted({*before, *after}, key=str)
    ]
    return Outcome(
        seen=sum(after.values()),
        moved=sum(ways.values()),
        kept_by_hand=sum(row["by_hand"] for row in have),
        document={"levels": levels, "moves": moves_told(whole)},
    )


def moves_told(ways: Ways) -> list[dict[str, Any]]:
    """The matrix as a trial keeps it: from which level to which how many go; null is no grade."""
    return [
        {"from": public_level(old), "to": public_level(new), "customers": customers}
        for (old, new), customers in sorted(ways.items(), key=str)
    ]


def public_level(level_id: UUID | None) -> str | None:
    """The id of a level as the API has it."""
    return None if level_id is None else f"gle_{level_id.hex}"
