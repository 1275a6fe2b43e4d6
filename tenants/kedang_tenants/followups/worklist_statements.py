"""The statements behind a worklist, put together of all sources.

Plans are looked at by urgency (1 to 5 is the share of the grade, ten more say hot): of the plans of one urgency the
longest overdue come first, in the order of an index. So the first ones of each are enough to find the first ones of all,
by what can be known without the customers; only for these the plans and customers are read and ordered to the end.

$1 to $5 are the day, the instant, the company's zone, the member, and the restricted archives that are open to who looks.
Behind a cursor $6 to $11 are where its line stands: hot (0) or not (1), points, due day, customer, source, record.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kedang_tenants.followups.planning_rules import KIND
from kedang_tenants.followups.ranking import everything_due, points_of
from kedang_tenants.followups.reminders import FOLLOW_UP, FOLLOW_UP_WEIGHT

# The others have many branches and few rows: to plan them takes longer than to run them. So that is done once a connection,
# for any values; what a page is told with comes by the same round trip.
SETTINGS: Final = f"""
SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
       COALESCE(m.contacts_per_day, (SELECT (v.content ->> 'contactsPerDay')::int FROM rule_version v
                                     WHERE v.kind = '{KIND}' AND v.state = 'IN_FORCE')) AS capacity
FROM member m WHERE m.id = $1
"""
"""$1 is the member. Gives the ``capacity``: contacts a day, NULL without a limit."""

_URGENCIES: Final = "(VALUES (1), (2), (3), (4), (5), (11), (12), (13), (14), (15)) AS u (urgency)"
_SHARE: Final = "(u.urgency - CASE WHEN u.urgency > 10 THEN 10 ELSE 0 END)"
_PLAN_POINTS: Final = f"((GREATEST($1::date - p.due_on, 0) + 1)::bigint * {FOLLOW_UP_WEIGHT} * {_SHARE})"
_OF_PLAN: Final = f"'{FOLLOW_UP.name}'::text"
_OPEN: Final = "p.owner_id = $4 AND p.state = 'PLANNED' AND p.archived_at IS NULL AND p.due_on <= $1"
# What counts more than the cursor is passed over by the index already. Of what counts as much nobody knows the place yet.
_PLANS_AFTER: Final = f"""
AND NOT (u.urgency > 10 AND $6 = 1)
AND p.due_on >= CASE WHEN (u.urgency > 10) = ($6 = 0)
    THEN $1::date - (LEAST($7::bigint / ({FOLLOW_UP_WEIGHT} * {_SHARE}), 1000000)::int - 1) ELSE '-infinity'::date END
AND ROW(CASE WHEN u.urgency > 10 THEN 0 ELSE 1 END, -{_PLAN_POINTS}, p.due_on)
    >= ROW($6::int, -($7::bigint), $8::date)
"""
_OTHERS_AFTER: Final = f"""
AND ROW(CASE WHEN c.hot_since IS NULL THEN 1 ELSE 0 END, -{points_of(due="d", customer="c")}, d.due_on)
    >= ROW($6::int, -($7::bigint), $8::date)
"""
_NAME_AFTER: Final = "(SELECT n.name_sort FROM customer n WHERE n.id = $9::uuid)"
_AFTER: Final = f"""
AND ROW(CASE WHEN w.hot THEN 0 ELSE 1 END, -w.points, w.due_on, c.name_sort IS NULL, COALESCE(c.name_sort, ''),
        w.source, w.record_id)
    > ROW($6::int, -($7::bigint), $8::date, {_NAME_AFTER} IS NULL, COALESCE({_NAME_AFTER}, ''), $10::text, $11::uuid)
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a queue is told: nothing of the sources that are ``shut``; ``closed`` says that restricted archives are.

    Where a colleague looks at it, ``seen`` are conditions on the ``{id}`` of records by their kind; kinds that are not named they read all of.
    What these bind comes behind all other values.
    """

    shut: frozenset[str]
    closed: bool
    seen: tuple[tuple[str, str], ...] = ()

    @property
    def plans(self) -> str:
        """The condition on the plan ``p``, as a further one."""
        seen = dict(self.seen).get(FOLLOW_UP.record)
        return f" AND {seen.replace('{id}', 'p.id')}" if seen else ""


@lru_cache(maxsize=512)
def page_statement(reach: Reach, *, rows: int, taken: int, continued: bool) -> str:
    """The first ``rows`` of a queue, or those after a cursor, found among the first ``taken`` and what stands beside the last.

    ``picked`` says in each row how many were looked at; where there is nothing, one row says so. Fewer rows than wanted are all only if fewer
    were picked than ``taken``.
    """
    plans = f"""
SELECT {_OF_PLAN} AS source, '{FOLLOW_UP.record}'::text AS record, l.id AS record_id, NULL::uuid AS customer_id, l.due_on,
       NULL::jsonb AS subject, NULL::jsonb AS why, {FOLLOW_UP_WEIGHT} AS weight, u.urgency > 10 AS hot, l.points
FROM {_URGENCIES} CROSS JOIN LATERAL (
    SELECT p.id, p.due_on, {_PLAN_POINTS} AS points FROM follow_up_plan p
    WHERE {_OPEN} AND p.urgency = u.urgency {_PLANS_AFTER if continued else ""}
    ORDER BY p.due_on FETCH FIRST {taken} ROWS WITH TIES
) l
"""
    others = f"""
SELECT d.source, d.record, d.record_id, d.customer_id, d.due_on, d.subject, d.why, d.weight,
       c.hot_since IS NOT NULL AS hot, {points_of(due="d", customer="c")} AS points
{_others(reach)} {_OTHERS_AFTER if continued else ""}
"""
    arms = [others] if FOLLOW_UP.name in reach.shut else [plans, others]
    return f"""
WITH picked AS MATERIALIZED (
    SELECT * FROM ({" UNION ALL ".join(arms)}) a
    ORDER BY a.hot DESC, a.points DESC, a.due_on FETCH FIRST {taken} ROWS WITH TIES
)
SELECT looked.picked, q.* FROM (SELECT count(*) AS picked FROM picked) looked
LEFT JOIN (
    SELECT w.source, w.record, w.record_id, c.id AS customer_id, w.due_on, w.weight, w.hot, w.points, c.name_sort,
           COALESCE(w.subject, to_jsonb(NULLIF(p.purpose, ''))) AS subject, COALESCE(w.why, p.rule) AS why
    FROM picked w
    LEFT JOIN follow_up_plan p ON w.source = {_OF_PLAN} AND p.id = w.record_id
    LEFT JOIN customer c ON c.id = COALESCE(w.customer_id, p.customer_id)
    WHERE (c.id IS NULL OR {_living(reach)}){_if_plan(reach)} {_AFTER if continued else ""}
    ORDER BY w.hot DESC, w.points DESC, w.due_on, c.name_sort NULLS LAST, w.source, w.record_id LIMIT {rows}
) q ON true
ORDER BY q.hot DESC, q.points DESC, q.due_on, q.name_sort NULLS LAST, q.source, q.record_id
"""


@lru_cache(maxsize=64)
def count_statement(reach: Reach) -> str:
    """How much waits."""
    plans = f"""
SELECT count(*) AS number FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id
WHERE {_OPEN} AND {_living(reach)}{reach.plans}
"""
    others = f"SELECT count(*) AS number {_others(reach)}"
    arms = [others] if FOLLOW_UP.name in reach.shut else [plans, others]
    return f"SELECT sum(q.number) FROM ({' UNION ALL '.join(arms)}) q"


def _if_plan(reach: Reach) -> str:
    return f" AND (p.id IS NULL OR TRUE{reach.plans})" if reach.plans else ""


def _living(reach: Reach) -> str:
    """The condition on the customer ``c``: it is not archived, nor is its archive closed to who looks."""
    open_ = (
        "(c.restricted IS NOT TRUE OR c.id = ANY($5::uuid[]))" if reach.closed else "$5::uuid[] IS NOT NULL"
    )
    return f"c.archived_at IS NULL AND {open_}"


def _others(reach: Reach) -> str:
    """What the other sources have for the member."""
    return f"""
FROM {everything_due(without=reach.shut | {FOLLOW_UP.name}, seen=dict(reach.seen))} d
LEFT JOIN customer c ON c.id = d.customer_id
WHERE d.member_id = $4 AND (d.customer_id IS NULL OR {_living(reach)})
"""
