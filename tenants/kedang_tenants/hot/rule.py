"""What a rule of the kind "hot" says: how a hot customer is followed up, how many there may be, how long (A5).

``{"cycleDays": 7, "expiresAfterDays": 90, "byDemand": true, "mostPerMember": 30, "mostInCompany": 300,
"overTheCap": "ASK", "colour": "#c41d1d"}``; what is left out is as in the product's own rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kedang_platform.colours import READABLE, contrast_on_white
from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ColourKind, InvalidValue
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "hot"
REFUSE, ASK = "REFUSE", "ASK"
CYCLE_DAYS: Final = 7
"""How often a hot customer is contacted where the company says nothing."""


@dataclass(frozen=True, slots=True)
class HotRule:
    """Days and numbers; None is without an end, without a cap.

    ``over_the_cap`` says what becomes of a mark beyond a cap: it is refused, or a superior is asked.
    """

    cycle_days: int = CYCLE_DAYS
    expires_after_days: int | None = 90
    by_demand: bool = True
    most_per_member: int | None = 30
    most_in_company: int | None = None
    over_the_cap: str = REFUSE
    colour: str = "#c41d1d"


_NUMBERS: Final[Mapping[str, tuple[int, int, bool]]] = {
    "cycleDays": (1, 3650, False),
    "expiresAfterDays": (1, 3650, True),
    "mostPerMember": (0, 100_000, True),
    "mostInCompany": (0, 1_000_000, True),
}
"""Smallest, largest, and whether null may be said."""
_NAMES: Final[Mapping[str, str]] = {
    "cycleDays": "cycle_days",
    "expiresAfterDays": "expires_after_days",
    "byDemand": "by_demand",
    "mostPerMember": "most_per_member",
    "mostInCompany": "most_in_company",
    "overTheCap": "over_the_cap",
    "colour": "colour",
}

CYCLE_SQL: Final = f"""
CASE WHEN c.hot_since IS NOT NULL THEN coalesce((
    SELECT (r.content ->> 'cycleDays')::int FROM rule_version r WHERE r.kind = '{KIND}' AND r.state = 'IN_FORCE'
), {CYCLE_DAYS}) END
"""
"""SQL: the cycle in days of the customer ``c`` while it is hot; NULL where it is not."""


async def hot_rule(read: TenantRead) -> HotRule:
    """The company's rule, or the product's own."""
    found = await in_force(read, KIND)
    return HotRule() if found is None else rule_of(found.content)


async def cycle_days(read: TenantRead) -> int:
    """How often a hot customer is contacted, in days."""
    return (await hot_rule(read)).cycle_days


def rule_of(content: Mapping[str, Any]) -> HotRule:
    """The rule that a content, which was checked, says."""
    return HotRule(**{_NAMES[key]: value for key, value in content.items()})


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    return list(_wrong(content))


def _wrong(content: Mapping[str, Any]) -> Iterator[UserError]:
    for key in sorted(content.keys() - _NAMES.keys()):
        yield UserError(
            "INVALID_CONTENT", msg("“{key}” is not part of this rule."), (key,), {"key": key[:50]}
        )
    for key, (low, high, optional) in _NUMBERS.items():
        value = content.get(key, low)
        if not ((value is None and optional) or (type(value) is int and low <= value <= high)):
            message = msg("This must lie between {minimum} and {maximum}.")
            yield UserError("OUT_OF_RANGE", message, (key,), {"minimum": low, "maximum": high})
    if type(content.get("byDemand", True)) is not bool:
        yield UserError("INVALID_CONTENT", msg("This is true or false."), ("byDemand",))
    if content.get("overTheCap", REFUSE) not in (REFUSE, ASK):
        yield UserError("UNKNOWN_VALUE", msg("This is REFUSE or ASK."), ("overTheCap",))
    yield from _wrong_colour(content.get("colour", HotRule().colour))


def _wrong_colour(colour: object) -> Iterator[UserError]:
    try:
        known = ColourKind().form(str(colour))
    except InvalidValue as fault:
        yield UserError(fault.reason, fault.message, ("colour",), dict(fault.params))
        return
    if contrast_on_white(known) < READABLE:
        message = msg("“{colour}” cannot be told from a white page.")
        yield UserError("COLOUR_UNREADABLE", message, ("colour",), {"colour": known})


register_rule_kind(KIND, check=check, label=msg("Hot customers"))
