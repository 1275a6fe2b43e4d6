"""A back-test: everybody is judged at the ends of past months, and the moves between them are kept (G3).

The guard against swinging is followed from month to month as if the rule had been in force since the first of them,
so that a company sees how many moves it would have spared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.grading.dry_runs import MOVE, Outcome, Trial, moves_told, public_level
from kedang_tenants.grading.judging import judgement
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import GradeRule


async def back_test(
    write: TenantWrite, trial: Trial, *, days: Sequence[date], currency: str, clock: Clock
) -> Outcome:
    """Judge everybody at the end of each of the days, which end months; keep the moves. Repeating it keeps none twice."""
    places = Places()
    rows = await write.fetch(_statement(places, trial, sorted(days), currency, clock), *places.values)
    return _outcome(trial.rule, sorted(days), rows)


def _statement(places: Places, trial: Trial, days: Sequence[date], currency: str, clock: Clock) -> str:
    judged = judgement(trial.rule, as_of=days, currency=currency, places=places)
    trial_id, now = places.bind(trial.id, "uuid"), places.bind(clock.now(), "timestamptz")
    ids = places.bind([level.id for level in trial.rule.levels], "uuid[]")
    ranks = places.bind([level.rank for level in trial.rule.levels], "int[]")
    ends = places.bind(list(days), "date[]")
    level_of = f"({ids})[array_position({ranks}, {{rank}})]"
    old, new = level_of.format(rank="m.old"), level_of.format(rank="m.new")
    return f"""
WITH typed AS (SELECT {places.typed()}),
judged AS MATERIALIZED (
    SELECT j.customer_id, array_agg(j.rank ORDER BY j.as_of) AS ranks, array_agg(j.score ORDER BY j.as_of) AS scores,
           array_agg(j.gradable ORDER BY j.as_of) AS gradable
    FROM (SELECT as_of, customer_id, rank, score, gradable FROM ({judged.verdicts}) v) j
    GROUP BY j.customer_id
),
settled AS MATERIALIZED ({_settled(trial.rule, ends, len(days))}),
moves AS (
    SELECT s.customer_id, n.month, s.ranks[n.month - 1] AS old, s.ranks[n.month] AS new, s.scores[n.month] AS score
    FROM settled s CROSS JOIN generate_series(2, {len(days)}) AS n (month)
    WHERE s.ranks[n.month - 1] IS DISTINCT FROM s.ranks[n.month]
),
kept AS (
    INSERT INTO grade_trial_row (id, version, created_at, updated_at, custom, trial_id, customer_id, as_of, move,
                                 from_level_id, to_level_id, score, figures)
    SELECT md5({trial_id}::text || m.customer_id::text || m.month::text)::uuid, 1, {now}, {now}, '{{}}', {trial_id},
           m.customer_id, ({ends})[m.month],
           {MOVE.format(old="m.old", new="m.new", old_rank="m.old", new_rank="m.new")},
           {old}, {new}, m.score, '{{}}'
    FROM moves m
    ON CONFLICT (id) DO NOTHING
)
SELECT 'LEVEL' AS told, n.month, NULL::int AS old, s.ranks[n.month] AS new, count(*) AS customers
FROM settled s CROSS JOIN generate_series(1, {len(days)}) AS n (month)
GROUP BY n.month, s.ranks[n.month]
UNION ALL
SELECT 'MOVE', m.month, m.old, m.new, count(*) FROM moves m GROUP BY m.month, m.old, m.new
UNION ALL
SELECT 'OFTEN', o.times, NULL, NULL, count(*)
FROM (SELECT count(*)::int AS times FROM moves m GROUP BY m.customer_id) o GROUP BY o.times
"""


def _settled(rule: GradeRule, ends: str, months: int) -> str:
    """The ranks that customers would have had, the guard against swinging followed from month to month."""
    if rule.guard_days == 0:
        return "SELECT customer_id, ranks, scores FROM judged"
    steps = [f"CROSS JOIN LATERAL (SELECT j.ranks[1] AS rank, ({ends})[1] AS since OFFSET 0) s1"]
    for month in range(2, months + 1):
        before = f"s{month - 1}"
        held = (
            f"{before}.rank IS NOT NULL AND j.gradable[{month}]"
            f" AND {before}.since + {rule.guard_days} > ({ends})[{month}]"
            f" AND (j.ranks[{month}] IS NULL OR j.ranks[{month}] > {before}.rank)"
        )
        stays = f"({held} OR j.ranks[{month}] IS NOT DISTINCT FROM {before}.rank)"
        steps.append(
            f"CROSS JOIN LATERAL (SELECT CASE WHEN {stays} THEN {before}.rank ELSE j.ranks[{month}] END AS rank,"
            f" CASE WHEN {stays} THEN {before}.since ELSE ({ends})[{month}] END AS since OFFSET 0) s{month}"
        )
    settled = ", ".join(f"s{month}.rank" for month in range(1, months + 1))
    return f"SELECT j.customer_id, ARRAY[{settled}] AS ranks, j.scores FROM judged j {' '.join(steps)}"


def _outcome(rule: GradeRule, days: Sequence[date], rows: Sequence[asyncpg.Record]) -> Outcome:
    by_rank = {level.rank: level.id for level in rule.levels}
    levels: dict[int, list[dict[str, Any]]] = defaultdict(list)
    ways: dict[int, dict[tuple[UUID | None, UUID | None], int]] = defaultdict(dict)
    often: dict[int, int] = {}
    seen = 0
    for row in rows:
        month, customers = row["month"], row["customers"]
        old, new = by_rank.get(row["old"]), by_rank.get(row["new"])
        if row["told"] == "OFTEN":
            often[month] = customers
        elif row["told"] == "MOVE":
            ways[month][old, new] = customers
        elif new is not None:
            levels[month].append({"level": public_level(new), "customers": customers})
            seen += customers if month == len(days) else 0
    told: list[dict[str, Any]] = [
        {
            "asOf": day.isoformat(),
            "levels": sorted(levels[month], key=_level),
            "moves": moves_told(ways[month]),
        }
        for month, day in enumerate(days, start=1)
    ]
    return Outcome(
        seen=seen,
        moved=sum(customers for month in ways.values() for customers in month.values()),
        kept_by_hand=0,
        document={
            "months": told,
            "movesOfCustomers": {str(times): often[times] for times in sorted(often)},
        },
    )


def _level(told: Mapping[str, Any]) -> str:
    return str(told["level"])
