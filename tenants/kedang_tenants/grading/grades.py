"""Giving customers their grades: one statement measures a batch of them, a few more write what moved.

Graded is who buys: a customer with the role of a buyer or dealer, or without any role outside the
directory of business partners. A supplier that is nothing else has no grade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.ids import new_id
from kedang_platform.work.parts import Part
from kedang_tenants.changing import audit
from kedang_tenants.grading.rule import Level, Measured, Rule, Span, explain, figures
from kedang_tenants.grading.schemes import InForce, schemes_in_force
from kedang_tenants.reading import Viewer

CHUNK = 1_000
"""Customers that one step of a regrading takes."""


async def count_customers(read: TenantRead) -> int:
    """How many customers a regrading will look at."""
    return int(await read.fetchval("SELECT count(*) FROM customer WHERE archived_at IS NULL"))


async def regrade_part(
    write: TenantWrite, viewer: Viewer, *, scheme_id: UUID, after: UUID | None, clock: Clock
) -> Part:
    """Grade the next ``CHUNK`` customers behind the id ``after`` by one scheme; repeating it changes nothing."""
    rows = await write.fetch(
        "SELECT id FROM customer WHERE archived_at IS NULL AND ($1::uuid IS NULL OR id > $1)"
        " ORDER BY id LIMIT $2",
        after,
        CHUNK,
    )
    ids = [row["id"] for row in rows]
    moved = await grade_customers(write, viewer, ids, scheme_id=scheme_id, clock=clock) if ids else 0
    return Part(last=ids[-1] if len(ids) == CHUNK else None, seen=len(ids), changed=moved)


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


# The total of an order is the sum of its lines, kept right by every write of a line.
_MEASURE = """
SELECT c.id, c.grade_level_id, c.grade_rank,
       (c.roles && ARRAY['BUYER', 'DEALER'] OR (c.roles = '{}' AND c.directory <> 'PARTNER')) AS gradable,
       coalesce(m.value, 0)::bigint AS value, coalesce(m.orders, 0) AS orders,
       g.id AS grade_id, g.level_id, g.rule_version,
       (g.figures ->> 'value')::bigint AS known_value, (g.figures ->> 'orders')::bigint AS known_orders
FROM customer c
LEFT JOIN (
    SELECT o.customer_id, sum(o.total) AS value, count(*) AS orders
    FROM sales_order o
    WHERE o.customer_id = ANY($1::uuid[]) AND o.archived_at IS NULL AND o.state <> 'CANCELLED'
      AND o.currency = $3 AND o.ordered_on >= $4 AND o.ordered_on < $5
    GROUP BY o.customer_id
) m ON m.customer_id = c.id
LEFT JOIN customer_grade g ON g.customer_id = c.id AND g.scheme_id = $2 AND g.current
WHERE c.id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One customer as found, and the level it is to have (None: no grade)."""

    row: asyncpg.Record
    level: Level | None
    measured: Measured

    @property
    def has_grade(self) -> bool:
        return self.row["grade_id"] is not None

    def is_new(self, version: int) -> bool:
        """Whether its grade of this scheme ends, begins, or is another one."""
        level_id = self.level.id if self.level else None
        same_version = self.level is None or self.row["rule_version"] == version
        return bool(self.row["level_id"] != level_id or not same_version)

    @property
    def has_other_figures(self) -> bool:
        known = (self.row["known_value"], self.row["known_orders"])
        return known != (self.measured.value, self.measured.orders)

    @property
    def shown(self) -> tuple[UUID | None, int | None]:
        return (self.level.id, self.level.position) if self.level else (None, None)


async def _grade(write: TenantWrite, viewer: Viewer, scheme: InForce, ids: list[UUID], clock: Clock) -> int:
    span = scheme.rule.span(viewer.today(clock))
    rows = await write.fetch(_MEASURE, ids, scheme.id, viewer.currency, span.start, span.end)
    verdicts = [_judge(scheme.rule, row, viewer.currency, span) for row in rows]
    replaced = [v for v in verdicts if v.is_new(scheme.rule.version)]
    await _end(write, [v for v in replaced if v.has_grade], clock)
    await _begin(write, scheme, [v for v in replaced if v.level is not None], clock)
    same = [v for v in verdicts if v.level is not None and not v.is_new(scheme.rule.version)]
    await _refresh(write, scheme.rule, [v for v in same if v.has_other_figures], clock)
    if not scheme.leads:
        return sum(v.row["level_id"] != v.shown[0] for v in verdicts)
    return await _show(write, viewer, verdicts, clock)


def _judge(rule: Rule, row: asyncpg.Record, currency: str, span: Span) -> _Verdict:
    measured = Measured(row["value"], row["orders"], currency, span)
    level = rule.level_for(measured.amount) if row["gradable"] else None
    return _Verdict(row, level, measured)


async def _end(write: TenantWrite, verdicts: list[_Verdict], clock: Clock) -> None:
    if verdicts:
        await write.fetch(
            "UPDATE customer_grade SET current = false, ended_at = $2, updated_at = $2, version = version + 1"
            " WHERE id = ANY($1::uuid[])",
            [v.row["grade_id"] for v in verdicts],
            clock.now(),
        )


_BEGIN = """
INSERT INTO customer_grade (id, version, created_at, updated_at, custom, customer_id, scheme_id, level_id,
                            rule_version, figures, explanation, current, graded_at)
SELECT id, 1, $6, $6, '{}', customer_id, $7, level_id, $8, figures, explanation, true, $6
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::jsonb[], $5::jsonb[])
     AS given (id, customer_id, level_id, figures, explanation)
"""


async def _begin(write: TenantWrite, scheme: InForce, verdicts: list[_Verdict], clock: Clock) -> None:
    if verdicts:
        await write.fetch(
            _BEGIN,
            [new_id() for _ in verdicts],
            [v.row["id"] for v in verdicts],
            [v.shown[0] for v in verdicts],
            *_words(scheme.rule, verdicts),
            clock.now(),
            scheme.id,
            scheme.rule.version,
        )


_REFRESH = """
UPDATE customer_grade g SET figures = given.figures, explanation = given.explanation, updated_at = $4
FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) AS given (id, figures, explanation)
WHERE g.id = given.id
"""


async def _refresh(write: TenantWrite, rule: Rule, verdicts: list[_Verdict], clock: Clock) -> None:
    """The grade stays; what it rests on is told as it is now."""
    if verdicts:
        ids = [v.row["grade_id"] for v in verdicts]
        await write.fetch(_REFRESH, ids, *_words(rule, verdicts), clock.now())


def _words(rule: Rule, verdicts: list[_Verdict]) -> tuple[list[str], list[str]]:
    """Figures and explanations of verdicts that have a level, as JSON."""
    given = [(v.level, v.measured) for v in verdicts if v.level is not None]
    return (
        [_json(figures(rule, level, measured)) for level, measured in given],
        [_json(explain(rule, level, measured)) for level, measured in given],
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


_SHOW = """
UPDATE customer c SET grade_level_id = given.level_id, grade_rank = given.rank
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS given (id, level_id, rank)
WHERE c.id = given.id
"""


async def _show(write: TenantWrite, viewer: Viewer, verdicts: list[_Verdict], clock: Clock) -> int:
    """Put the grade of the leading scheme on the customers; its audit rows are the event ``customer.graded``.

    A grade is not an edit: the customer's version stays, so that nobody's open form conflicts with it.
    """
    shown = [v for v in verdicts if (v.row["grade_level_id"], v.row["grade_rank"]) != v.shown]
    if not shown:
        return 0
    columns = zip(*((v.row["id"], *v.shown) for v in shown), strict=True)
    await write.fetch(_SHOW, *(list(column) for column in columns))
    moved = [v for v in shown if v.row["grade_level_id"] != v.shown[0]]
    await audit(write, viewer, [("customer", "graded", v.row["id"], _moved(v)) for v in moved], clock=clock)
    return len(moved)


def _moved(verdict: _Verdict) -> dict[str, object]:
    old, new = verdict.row["grade_level_id"], verdict.shown[0]
    return {"grade_level_id": [old.hex if old else None, new.hex if new else None]}
