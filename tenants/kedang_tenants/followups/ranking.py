"""What is due, ranked over all sources in one statement.

The rank is total, so that the same rows give the same list however they lie in the tables:

1. what concerns a hot customer stands before everything else (A5),
2. (calendar days overdue + 1) × the row's weight × the grade: 5 for the best level, 4, 3, 2, and 1 for the
   fifth, those below it, and customers without a grade; more comes first. What is due later counts as due today.
3. the earlier day, 4. the customer in people's order (rows without one last), 5. the source's name, 6. the record's id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from kedang_tenants.people.dues import COLUMNS, DueSource, due_sources

URGENCY: Final = (
    "(GREATEST(1, 6 - COALESCE(c.grade_rank, 5)) + CASE WHEN c.hot_since IS NULL THEN 0 ELSE 10 END)"
)
"""How urgent what concerns the customer ``c`` is: 1 to 5 by its grade, 5 for the best; ten more while it is hot."""


def order_by(*, due: str, customer: str) -> str:
    """By what rows ``due`` of ``everything_due`` are ranked; ``customer`` has their customers. $1 is the day."""
    return (
        f"({customer}.hot_since IS NULL), {points_of(due=due, customer=customer)} DESC, {due}.due_on,"
        f" {customer}.name_sort NULLS LAST, {due}.source, {due}.record_id"
    )


def points_of(*, due: str, customer: str) -> str:
    """How much a row counts (bigint). $1 is the day."""
    grade = f"GREATEST(1, 6 - COALESCE({customer}.grade_rank, 5))"
    return f"(GREATEST($1::date - {due}.due_on, 0) + 1)::bigint * {due}.weight * {grade}"


def everything_due(
    *,
    escalating: bool = False,
    without: Collection[str] = (),
    seen: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The rows of all sources as one relation, with ``source`` and ``record`` before the columns of each.

    Of ``escalating`` ones only, where that is said, and ``without`` those of these names. Of a kind of record that is among ``seen``
    those only for whose ``{id}`` its condition holds. Binds $1 to $3 as sources do. A condition on ``member_id``
    outside goes into each source, so that their indexes serve it.
    """
    arms = [
        _arm(source, seen.get(source.record))
        for source in due_sources()
        if (source.escalates or not escalating) and source.name not in without
    ]
    return "(" + "\nUNION ALL\n".join([_NOTHING, *arms]) + ")"


def _arm(source: DueSource, seen: str | None) -> str:
    if_seen = f" AND {seen.replace('{id}', 's.record_id')}" if seen else ""
    columns = ", ".join(f"s.{column}" for column in COLUMNS)
    return (
        f"SELECT '{source.name}'::text, '{source.record}'::text, {columns}"
        f" FROM ({source.select}) AS s ({', '.join(COLUMNS)}) WHERE s.member_id IS NOT NULL{if_seen}"
    )


# It names the columns and uses every parameter, whatever the sources leave out.
_NOTHING: Final = (
    "SELECT NULL::text AS source, NULL::text AS record, NULL::uuid AS member_id, NULL::uuid AS record_id,"
    " NULL::uuid AS customer_id, $1::date AS due_on, to_jsonb($3::text) AS subject, NULL::jsonb AS why,"
    " 1 AS weight WHERE $2::timestamptz IS NULL"
)
