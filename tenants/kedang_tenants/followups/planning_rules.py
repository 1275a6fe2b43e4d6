"""What a company says of its follow-ups: contacts a day, and which behaviour of customers asks for one (F1, T8).

A rule of the kind ``followups``; everything in it may be left out::

    {"contactsPerDay": 20, "daysLater": 10,
     "behaviour": {"AFTER_PURCHASE": {"days": 7}, "QUOTATION": {"days": 3},
                   "EXPECTED_PURCHASE": {"days": 5}, "SILENCE": {"days": 90}}}

``contactsPerDay`` is what is planned for a person and working day at most, where the member has no number of their own;
without either there is no limit. For it a contact is moved by ``daysLater`` working days at most. ``days`` are
counted from the purchase, from when the quotation was sent, before the expected purchase, and from the last
sign of life. A behaviour that is not named is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.followups.models import BEHAVIOURS, MOST_CONTACTS
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "followups"
DAYS_LATER: Final = 10
"""Working days; where the rule does not say."""
_PER_DAY: Final = (1, MOST_CONTACTS)
_LATER: Final = (0, 60)
_DAYS: Final = (1, 3650)
_KEYS: Final = frozenset({"contactsPerDay", "daysLater", "behaviour"})


@dataclass(frozen=True, slots=True)
class PlanningRule:
    """The rule in force, and since which day of the company; the product's default where there is none.

    ``behaviour`` holds the days of each behaviour that is followed.
    """

    contacts_per_day: int | None = None
    days_later: int = DAYS_LATER
    behaviour: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    since: date = date.min

    @classmethod
    def of(cls, content: Mapping[str, Any], *, since: date) -> PlanningRule:
        """The rule of a content in which ``check`` finds nothing wrong."""
        behaviour = {name: said["days"] for name, said in content.get("behaviour", {}).items()}
        return cls(
            contacts_per_day=content.get("contactsPerDay"),
            days_later=content.get("daysLater", DAYS_LATER),
            behaviour=MappingProxyType(behaviour),
            since=since,
        )


async def planning_rule(read: TenantRead, viewer: Viewer) -> PlanningRule:
    """The rule that the company plans by now."""
    version = await in_force(read, KIND)
    if version is None:
        return PlanningRule()
    at = version.in_force_at
    since = at.astimezone(ZoneInfo(viewer.time_zone)).date() if at else date.min
    return PlanningRule.of(version.content, since=since)


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    return [*_unknown(content, _KEYS, ()), *_limits(content), *_behaviours(content.get("behaviour", {}))]


def _limits(content: Mapping[str, Any]) -> Iterator[UserError]:
    for name, bounds in (("contactsPerDay", _PER_DAY), ("daysLater", _LATER)):
        if name in content:
            yield from _number(content[name], bounds, (name,))


def _behaviours(said: object) -> Iterator[UserError]:
    if not isinstance(said, Mapping):
        yield UserError(
            "INVALID_CONTENT", msg("Say for each behaviour after how many days: days."), ("behaviour",)
        )
        return
    for name, one in said.items():
        path = ("behaviour", str(name))
        if name not in BEHAVIOURS:
            known = ", ".join(BEHAVIOURS)
            text = msg("There is no behaviour “{name}”. Follow-ups come by one of these: {known}.")
            yield UserError("UNKNOWN_TRIGGER", text, path, {"name": str(name)[:50], "known": known})
        elif not isinstance(one, Mapping) or "days" not in one:
            yield UserError("INVALID_CONTENT", msg("Say for each behaviour after how many days: days."), path)
        else:
            yield from _unknown(one, frozenset({"days"}), path)
            yield from _number(one["days"], _DAYS, (*path, "days"))


def _unknown(said: Mapping[str, Any], known: frozenset[str], path: tuple[str, ...]) -> Iterator[UserError]:
    for name in sorted(said.keys() - known):
        text = msg("“{key}” is not part of this rule.")
        yield UserError("INVALID_CONTENT", text, (*path, name), {"key": name[:50]})


def _number(value: object, bounds: tuple[int, int], path: tuple[str, ...]) -> Iterator[UserError]:
    low, high = bounds
    if type(value) is not int or not low <= value <= high:
        text = msg("This must lie between {minimum} and {maximum}.")
        yield UserError("OUT_OF_RANGE", text, path, {"minimum": low, "maximum": high})


register_rule_kind(KIND, check=check, label=msg("Follow-ups"))
