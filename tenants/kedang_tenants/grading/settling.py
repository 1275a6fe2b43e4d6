"""The guard against swinging: what keeps a customer on the level it has, as SQL for runs and trials (G3).

``{g}`` is the current row of ``customer_grade`` of the scheme (NULLs where there is none), ``{j}`` the judgement
with ``level_id`` and ``rank``, ``{as_of}`` the day of the judgement, ``{days}`` the guard's days, ``{version}`` the
version of the rule and ``{rank}`` the rank of the level that the customer has. A customer rises at once. It falls, or loses its
grade, only when it has had its level for so many days; under a new version of the rule the guard holds nobody,
because then the rule has changed and not the customer.
"""

from __future__ import annotations

from typing import Final

from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import GradeRule

KEEPS: Final = (
    "(({g}.level_id IS NOT NULL AND {days} > 0 AND NOT {g}.by_hand AND {g}.rule_version = {version}"
    " AND {j}.gradable AND {g}.held_since + {days} > {as_of}"
    " AND ({j}.rank IS NULL OR {j}.rank > {rank})) IS TRUE)"
)
"""Whether the customer keeps the level it has although it is judged to be worse."""

BY_HAND: Final = "({g}.by_hand IS TRUE AND ({g}.until IS NULL OR {g}.until >= {as_of}))"
"""Whether the hand is above the rule on the day: such a grade is left alone."""


def had_rank(rule: GradeRule, places: Places) -> str:
    """The rank under a rule of the level that the customer has: over ``g``, and ``l`` its level.

    A rule in force knows its levels by the positions that they had when it came into force.
    """
    levels = places.bind([level.id for level in rule.levels], "uuid[]")
    ranks = places.bind([level.rank for level in rule.levels], "int[]")
    return f"coalesce(({ranks})[array_position({levels}, g.level_id)], l.position)"
