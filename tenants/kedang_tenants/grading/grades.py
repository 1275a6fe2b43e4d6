"""Giving customers their grades: one statement judges them and writes what is new.

Graded is who buys; see ``judging.GRADABLE``. What was given by hand is left alone, and the guard against swinging
keeps whom it keeps (``settling``). The statement sees the customers as they are when it begins, and locks those whose
rows it writes before it writes any: who grades one of them meanwhile does so after it. A grade that somebody else has
written since it began stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.ids import new_id
from kedang_platform.work.parts import Part
from kedang_tenants.changing import audit_in_parts
from kedang_tenants.grading import settling
from kedang_tenants.grading.explaining import Kept
from kedang_tenants.grading.judging import OF_EVERYBODY, judgement
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.schemes import InForce, schemes_in_force
from kedang_tenants.grading.showing import one_at_a_time
from kedang_tenants.reading import Viewer


async def count_customers(read: TenantRead) -> int:
    """How many customers a regrading will look at."""
    return int(await read.fetchval("SELECT count(*) FROM customer WHERE archived_at IS NULL"))


async def regrade_everybody(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID, clock: Clock) -> Part:
    """Grade all customers by one scheme, one run of a company at a time; repeating it changes nothing."""
    await write.fetch(OF_EVERYBODY)
    await one_at_a_time(write)
    moved = 0
    for scheme in await schemes_in_force(write, scheme_id):
        moved += await _grade(write, viewer, scheme, None, clock)
    return Part(last=None, seen=await count_customers(write), changed=moved)


async def grade_customers(
    write: TenantWrite,
    viewer: Viewer,
    customer_ids: Sequence[UUID],
    *,
    clock: Clock,
    scheme_id: UUID | None = None,
) -> int:
    """Grade these customers by every scheme in force, or by one; returns how many changed their level.

    The customers are locked before rules and orders are read, so that of two gradings of one
    customer the later one has seen all that the earlier one has. Sums are in the company's currency;
    orders in others do not count.
    """
    ids = await _lock(write, customer_ids)
    moved = 0
    for scheme in await schemes_in_force(write, scheme_id) if ids else []:
        moved += await _grade(write, viewer, scheme, ids, clock)
    return moved


async def _lock(write: TenantWrite, ids: Sequence[UUID]) -> list[UUID]:
    rows = await write.fetch(
        "SELECT id FROM customer WHERE id = ANY($1::uuid[]) AND archived_at IS NULL"
        " ORDER BY id FOR NO KEY UPDATE",
        list(ids),
    )
    return [row["id"] for row in rows]


async def _grade(
    write: TenantWrite, viewer: Viewer, scheme: InForce, ids: list[UUID] | None, clock: Clock
) -> int:
    if scheme.rule.compares_customers:  # of a few, too, everybody is judged
        await write.fetch(OF_EVERYBODY)
    places = Places()
    rows = await write.fetch(_statement(places, viewer, scheme, ids, clock), *places.values)
    if scheme.leads and rows:
        entries = [("customer", "graded", row["customer_id"], _moved(row)) for row in rows]
        await audit_in_parts(write, viewer, entries, clock=clock)
    return len(rows)


def _moved(row: asyncpg.Record) -> dict[str, object]:
    old, new = row["old"], row["new"]
    return {"grade_level_id": [old.hex if old else None, new.hex if new else None]}


def _statement(places: Places, viewer: Viewer, scheme: InForce, ids: list[UUID] | None, clock: Clock) -> str:
    """The run: who is judged how, whose grade ends, begins, or rests on other figures, and who is shown with another."""
    rule, today = scheme.rule, viewer.today(clock)
    kept = Kept("j.kept", "j.had_code", "j.kept_until") if rule.guard_days else None
    judged = judgement(
        rule, as_of=[today], currency=viewer.currency, customer_ids=ids, places=places, kept=kept
    )
    day, now = places.bind(today, "date"), places.bind(clock.now(), "timestamptz")
    scheme_id, version = places.bind(scheme.id, "uuid"), str(rule.version)
    had_rank = settling.had_rank(rule, places)
    keeps = settling.KEEPS.format(
        g="g", j="j", as_of=day, days=rule.guard_days, version=version, rank=had_rank
    )
    return f"""
WITH judged AS MATERIALIZED (
    SELECT j.*, g.id AS grade_id, g.level_id AS had_level_id, g.rule_version AS had_version, g.by_hand AS had_by_hand,
           g.held_since AS had_since, g.updated_at AS had_at, l.code AS had_code,
           g.held_since + {rule.guard_days} AS kept_until, {settling.BY_HAND.format(g="g", as_of=day)} AS by_hand,
           {keeps} AS kept
    FROM ({judged.verdicts}) j
    LEFT JOIN customer_grade g ON g.customer_id = j.customer_id AND g.scheme_id = {scheme_id} AND g.current
    LEFT JOIN grade_level l ON l.id = g.level_id
),
settled AS (
    SELECT j.*, CASE WHEN j.kept OR j.by_hand THEN j.had_level_id ELSE j.level_id END AS new_level_id
    FROM judged j
),
replaced AS (
    SELECT j.* FROM settled j
    WHERE NOT j.by_hand
      AND (j.new_level_id IS DISTINCT FROM j.had_level_id
           OR j.had_level_id IS NOT NULL AND (j.had_version <> {version} OR j.had_by_hand))
),
stale AS (
    SELECT j.* FROM settled j JOIN customer_grade g ON g.id = j.grade_id
    WHERE g.rule_version = {version} AND NOT g.by_hand AND g.level_id = j.new_level_id
      AND (g.figures -> 'values' IS DISTINCT FROM {judged.values}
           OR g.withheld IS DISTINCT FROM {judged.withheld}
           OR (g.figures -> 'held' IS NOT NULL) <> j.kept)
),
locked AS MATERIALIZED (
    SELECT c.id FROM customer c WHERE c.id IN ({_concerned(scheme)}) ORDER BY c.id FOR NO KEY UPDATE OF c
),
ended AS (
    UPDATE customer_grade g SET current = false, ended_at = {now}, updated_at = {now}, version = version + 1
    FROM replaced j JOIN locked k ON k.id = j.customer_id
    WHERE g.id = j.grade_id AND g.current AND g.updated_at = j.had_at
    RETURNING g.id, g.customer_id
),
begun AS (
    INSERT INTO customer_grade (id, version, created_at, updated_at, custom, customer_id, scheme_id, level_id,
                                rule_version, figures, withheld, explanation, current, graded_at, held_since)
    SELECT {_new_id(places)}, 1, {now}, {now}, '{{}}', j.customer_id, {scheme_id}, j.new_level_id,
           {version}, {judged.figures}, {judged.withheld}, {judged.explanation}, true, {now},
           CASE WHEN j.new_level_id = j.had_level_id THEN coalesce(j.had_since, {day}) ELSE {day} END
    FROM replaced j
    JOIN locked k ON k.id = j.customer_id
    LEFT JOIN ended e ON e.id = j.grade_id
    WHERE j.new_level_id IS NOT NULL AND (j.grade_id IS NULL OR e.id IS NOT NULL)
    ON CONFLICT (customer_id, scheme_id) WHERE current DO NOTHING
    RETURNING customer_id
),
refreshed AS (
    UPDATE customer_grade g SET figures = {judged.figures}, withheld = {judged.withheld},
           explanation = {judged.explanation}, updated_at = {now}
    FROM stale j{"" if rule.compares_customers else " JOIN locked k ON k.id = j.customer_id"}
    WHERE g.id = j.grade_id AND g.current AND g.updated_at = j.had_at
){_shown() if scheme.leads else _counted()}"""


def _concerned(scheme: InForce) -> str:
    """Whose rows are written: they are locked in the order of their ids, as whoever else grades does.

    Where customers are compared, most have other figures after each order. These are renewed without a lock: of such
    a scheme nobody but a run renews them.
    """
    wanted = ["SELECT customer_id FROM replaced"]
    if not scheme.rule.compares_customers:
        wanted.append("SELECT customer_id FROM stale")
    if scheme.leads:
        wanted.append(f"SELECT s.customer_id {_UNLIKE}")
    return " UNION ALL ".join(wanted)


# Who is not shown as it was settled, ``k`` the customer. Shown is the position that the level has by now.
_UNLIKE = """FROM settled s
        LEFT JOIN grade_level n ON n.id = s.new_level_id
        JOIN customer k ON k.id = s.customer_id
         AND (k.grade_level_id, k.grade_rank) IS DISTINCT FROM (s.new_level_id, n.position)"""


def _shown() -> str:
    """The leading scheme's grades are put on the customers, whose version stays: a grade is not an edit."""
    return f""",
shown AS (
    UPDATE customer c SET grade_level_id = j.new_level_id, grade_rank = j.position
    FROM (
        SELECT s.customer_id, s.new_level_id, n.position, k.grade_level_id AS old
        {_UNLIKE}
        JOIN locked x ON x.id = s.customer_id
        LEFT JOIN replaced r ON r.customer_id = s.customer_id
        LEFT JOIN ended e ON e.customer_id = s.customer_id
        LEFT JOIN begun b ON b.customer_id = s.customer_id
        WHERE r.customer_id IS NULL OR b.customer_id IS NOT NULL OR s.new_level_id IS NULL AND e.id IS NOT NULL
    ) j
    WHERE c.id = j.customer_id AND c.grade_level_id IS NOT DISTINCT FROM j.old
    RETURNING c.id AS customer_id, j.old, j.new_level_id AS new
)
SELECT customer_id, old, new FROM shown WHERE old IS DISTINCT FROM new ORDER BY customer_id"""


def _counted() -> str:
    return """
SELECT r.customer_id, r.had_level_id AS old, r.new_level_id AS new FROM replaced r
LEFT JOIN ended e ON e.customer_id = r.customer_id
LEFT JOIN begun b ON b.customer_id = r.customer_id
WHERE (b.customer_id IS NOT NULL OR e.id IS NOT NULL) AND r.new_level_id IS DISTINCT FROM r.had_level_id"""


def _new_id(places: Places) -> str:
    """Ids like those of ``new_id`` (RFC 9562, version 7): its first half, then what is random to this run and customer."""
    first = places.bind(new_id().hex[:16], "text")
    chance = f"md5({places.bind(uuid4().hex, 'text')} || j.customer_id::text)"
    return f"({first} || 'a' || substr({chance}, 1, 15))::uuid"
