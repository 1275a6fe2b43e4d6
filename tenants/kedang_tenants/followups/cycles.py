"""How often a customer is to be contacted: the shortest cycle of its grade, its classes, and a hot mark (F1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import in_our_languages, text_in

BY_GRADE, BY_CLASS, BY_HOT = "GRADE", "CLASS", "HOT"

CLASS_CYCLE: Final = """
LEFT JOIN LATERAL (
    SELECT cc.name, cc.cycle_days FROM classified_customer k
    JOIN customer_class cc ON cc.id = k.class_id AND cc.archived_at IS NULL
    WHERE k.customer_id = c.id AND k.archived_at IS NULL AND cc.cycle_days IS NOT NULL
    ORDER BY cc.cycle_days, cc.id LIMIT 1
) k ON true
"""
"""Beside a customer ``c``: name and days of the class that asks for the shortest cycle."""

_BY_GRADE = (
    msg("The first working day at least {days} days after the last contact on {day}, as level {level} asks."),
    msg(
        "The first working day at least {days} days after {day}, when the customer was assigned, as level {level}"
        " asks."
    ),
)
_BY_CLASS = (
    msg("The first working day at least {days} days after the last contact on {day}, as class {level} asks."),
    msg(
        "The first working day at least {days} days after {day}, when the customer was assigned, as class {level}"
        " asks."
    ),
)
_BY_HOT = (
    msg(
        "The first working day at least {days} days after the last contact on {day}, as the customer is hot."
    ),
    msg(
        "The first working day at least {days} days after {day}, when the customer was assigned, as the customer"
        " is hot."
    ),
)
_WORDS: Final = {BY_GRADE: _BY_GRADE, BY_CLASS: _BY_CLASS, BY_HOT: _BY_HOT}


@dataclass(frozen=True, slots=True)
class Cycle:
    """So many days, 1 at least, because of what: a level's code, or the class with this name as JSON."""

    days: int
    reason: str
    name: str = ""

    def named(self, language: Language) -> str:
        """The level or class in a language."""
        return text_in(orjson.loads(self.name), language) if self.reason == BY_CLASS else self.name


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What the next contact follows from."""

    cycle: Cycle
    last_contact: date | None
    assigned: date

    @property
    def anchor(self) -> date:
        """The day from which the cycle counts: of the last contact, else of the assignment."""
        return self.last_contact or self.assigned

    @property
    def due(self) -> date:
        """The day on which the cycle is over, working or not."""
        return self.anchor + timedelta(days=self.cycle.days)


def cycle_of(row: Mapping[str, object] | asyncpg.Record, *, hot_days: int | None) -> Cycle | None:
    """The shortest cycle that holds for a customer; of equal ones that of the grade, then of the class.

    The row has ``level`` and ``level_days``, ``class_name`` and ``class_days``, ``hot_since``. None: nobody asks
    for a contact by itself.
    """
    found: list[Cycle] = []
    if (days := row["level_days"]) is not None:
        found.append(Cycle(_whole(days), BY_GRADE, str(row["level"])))
    if (days := row["class_days"]) is not None:
        found.append(Cycle(_whole(days), BY_CLASS, str(row["class_name"])))
    if row["hot_since"] is not None and hot_days is not None:
        found.append(Cycle(hot_days, BY_HOT))
    return min(found, key=lambda cycle: cycle.days, default=None)


def _whole(days: object) -> int:
    assert isinstance(days, int)
    return days


def rhythm_of(row: Mapping[str, object] | asyncpg.Record, cycle: Cycle, zone: ZoneInfo) -> Rhythm:
    """What a customer's next contact follows from; days are those of the company's zone.

    Of one that was taken out of the public pool contacts from before do not count: the cycle begins anew.
    """
    contact, opened = day_in(row["last_contact_at"], zone), day_in(row["created_at"], zone)
    assigned, claimed = row["assigned_on"] or opened, row["claimed_on"]
    if contact is not None and isinstance(claimed, date) and contact < claimed:
        contact = None
    assert isinstance(assigned, date)
    return Rhythm(cycle, contact, assigned)


def day_in(instant: object, zone: ZoneInfo) -> date | None:
    """The day of an instant in a zone."""
    return instant.astimezone(zone).date() if isinstance(instant, datetime) else None


@lru_cache(maxsize=4_096)
def why(rhythm: Rhythm) -> dict[str, str]:
    """Why the contact is due when it is, in the words of each of our languages. Not to be changed: it is kept."""
    cycle = rhythm.cycle
    text = _WORDS[cycle.reason][0 if rhythm.last_contact else 1]

    def said(language: Language) -> str:
        params = {"days": cycle.days, "day": rhythm.anchor.isoformat(), "level": cycle.named(language)}
        return translate(text, language, params)

    return in_our_languages(said)
