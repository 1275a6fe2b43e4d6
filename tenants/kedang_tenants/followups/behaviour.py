"""Contacts that follow from what customers do, or do not do: a purchase, a quotation without an answer, an expected
purchase, silence (F1).

A contact is made once for each occasion. It is not asked for any more when the customer was reached since: after the
day of the purchase or of the quotation, or in the days before an expected purchase. A rule asks for nothing that lay
before it came into force, but for silence: that is broken from the rule's first day on. Days before
1900 and beyond 2200 are slips of the pen: they ask for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.followups.models import AFTER_PURCHASE, EXPECTED_PURCHASE, QUOTATION, SILENCE
from kedang_tenants.followups.planning_rules import PlanningRule
from kedang_tenants.trade.facts import buying_intervals, last_purchases, waiting_quotations

_SINCE_EVER: Final = "'infinity'::date"
_FIRST_DAY, _LAST_DAY = "'1900-01-01'::date", "'2200-12-31'::date"
_LAST_PURCHASES: Final = last_purchases(end=_SINCE_EVER, where="o.customer_id = ANY($1::uuid[])")
_EXPECTED: Final = buying_intervals(end=_SINCE_EVER, where="o.customer_id = ANY($1::uuid[])")
_WAITING: Final = waiting_quotations(where="q.customer_id = ANY($1::uuid[]) AND q.sent_on IS NOT NULL")
_FACTS: Final[Mapping[str, str]] = {
    AFTER_PURCHASE: f"""
SELECT f.customer_id, '{AFTER_PURCHASE}', 'order:' || replace(f.order_id::text, '-', ''), f.day, ''
FROM ({_LAST_PURCHASES}) f
""",
    QUOTATION: f"""
SELECT f.customer_id, '{QUOTATION}', 'quotation:' || replace(f.quotation_id::text, '-', ''), f.sent_on, f.number
FROM ({_WAITING}) f
""",
    EXPECTED_PURCHASE: f"""
SELECT f.customer_id, '{EXPECTED_PURCHASE}', 'after:' || to_char(f.last_on, 'YYYY-MM-DD'), f.expected_on, ''
FROM ({_EXPECTED}) f WHERE f.expected_on IS NOT NULL
""",
    SILENCE: f"""
SELECT c.id, '{SILENCE}', 'since:' || to_char(s.day, 'YYYY-MM-DD'), s.day, ''
FROM customer c LEFT JOIN ({_LAST_PURCHASES}) f ON f.customer_id = c.id
CROSS JOIN LATERAL (SELECT GREATEST(f.day, (c.last_contact_at AT TIME ZONE $2)::date) AS day) s
WHERE c.id = ANY($1::uuid[]) AND s.day IS NOT NULL
""",
}
"""$1 are the customers, $2 the company's zone."""
_PLANNED_BEFORE: Final = """
SELECT customer_id, origin, occasion FROM follow_up_plan
WHERE customer_id = ANY($1::uuid[]) AND occasion IS NOT NULL AND state <> 'PLANNED' AND archived_at IS NULL
"""
_WORDS: Final = {
    AFTER_PURCHASE: msg("The first working day at least {days} days after the purchase of {day}."),
    QUOTATION: msg(
        "The first working day at least {days} days after quotation {name} was sent on {day}: there is no answer."
    ),
    EXPECTED_PURCHASE: msg(
        "{days} days before the next purchase, which is expected on {day} by those before."
    ),
    SILENCE: msg("The first working day at least {days} days after the last order or contact on {day}."),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that asks for one contact. ``fact`` is the day of what happened, or is expected."""

    customer_id: UUID
    origin: str
    key: str
    fact: date
    name: str
    days: int

    @property
    def asked(self) -> date:
        """The day from which on the contact is asked for, working or not."""
        days = timedelta(days=self.days)
        return self.fact - days if self.origin == EXPECTED_PURCHASE else self.fact + days

    def is_met(self, last_contact: date | None) -> bool:
        """Whether the customer has been reached for it already."""
        if last_contact is None or self.origin == SILENCE:
            return False
        if self.origin == EXPECTED_PURCHASE:
            return last_contact >= self.asked - timedelta(days=self.days)
        return last_contact > self.fact

    def why(self) -> dict[str, str]:
        """Why there is a contact, in the words of each of our languages."""
        params = {"days": self.days, "day": self.fact.isoformat(), "name": self.name}
        return translated(_WORDS[self.origin], params)


async def occasions_of(
    read: TenantRead, customer_ids: Sequence[UUID], rule: PlanningRule, *, zone: str
) -> dict[UUID, list[Occasion]]:
    """What the behaviour of these customers asks for by a rule, and has not been planned for and closed before."""
    if not rule.behaviour:
        return {}
    ids = list(customer_ids)
    before = {tuple(row.values()) for row in await read.fetch(_PLANNED_BEFORE, ids)}
    found: dict[UUID, list[Occasion]] = {}
    for row in await read.fetch(_facts(rule.behaviour), ids, zone):
        one = _occasion(row, rule.behaviour)
        if (one.customer_id, one.origin, one.key) not in before:
            found.setdefault(one.customer_id, []).append(one)
    return found


def _facts(followed: Collection[str]) -> str:
    arms = "\nUNION ALL\n".join(f"({_FACTS[name]})" for name in sorted(followed))
    # The zone is used whether silence is followed or not.
    return f"""
SELECT * FROM ({arms}) AS f (customer_id, origin, key, fact, name)
WHERE $2::text <> '' AND fact BETWEEN {_FIRST_DAY} AND {_LAST_DAY} ORDER BY 1, 2, 3
"""


def _occasion(row: asyncpg.Record, days: Mapping[str, int]) -> Occasion:
    return Occasion(
        customer_id=row["customer_id"],
        origin=row["origin"],
        key=row["key"],
        fact=row["fact"],
        name=row["name"],
        days=days[row["origin"]],
    )


def day_of(
    one: Occasion, rule: PlanningRule, *, standing: date | None, working: Callable[[date], date]
) -> date | None:
    """The working day on which a contact is asked for; None where the rule came too late for it.

    ``standing`` is the day that an open plan for it had been asked for already: what came before the rule in force
    and was planned by an earlier one stays as it was.
    """
    if one.asked >= rule.since:
        return working(one.asked)
    if standing is not None:
        return working(standing)
    return working(rule.since) if one.origin == SILENCE else None
