"""What a rule of the kind "pool" says: when customers return to the public pool, and who may take how many (A13).

``{"noContactDays": 60, "contractEndedDays": 90, "noDealMonths": 12, "warnDays": 7, "claimsPerDay": 5,
"mostHeld": 200, "pauseDays": 30, "viewsPerDay": 20}``; what is left out or null does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "pool"


@dataclass(frozen=True, slots=True)
class PoolRule:
    """Days, months and numbers; None: that part does not hold.

    A grade's level may say other days without contact than ``no_contact_days``, or that its customers stay.
    ``returns`` is False where a company has no rule: then nothing returns by itself.
    """

    no_contact_days: int | None = None
    contract_ended_days: int | None = None
    no_deal_months: int | None = None
    warn_days: int | None = None
    claims_per_day: int | None = None
    most_held: int | None = None
    pause_days: int | None = None
    views_per_day: int | None = None
    returns: bool = True


NO_RULE: Final = PoolRule(returns=False)

_PARTS: Final[Mapping[str, tuple[str, int, int]]] = {
    "noContactDays": ("no_contact_days", 1, 3650),
    "contractEndedDays": ("contract_ended_days", 1, 3650),
    "noDealMonths": ("no_deal_months", 1, 120),
    "warnDays": ("warn_days", 0, 90),
    "claimsPerDay": ("claims_per_day", 0, 10_000),
    "mostHeld": ("most_held", 0, 1_000_000),
    "pauseDays": ("pause_days", 0, 3650),
    "viewsPerDay": ("views_per_day", 0, 100_000),
}
"""By what stands in the content: the field, the smallest and the largest value."""


async def pool_rule(read: TenantRead) -> PoolRule:
    """The company's rule; NO_RULE where it has none."""
    found = await in_force(read, KIND)
    return NO_RULE if found is None else rule_of(found.content)


def rule_of(content: Mapping[str, Any]) -> PoolRule:
    """The rule that a content, which was checked, says."""
    return PoolRule(**{_PARTS[key][0]: value for key, value in content.items()})


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    return list(faults_of(content))


def faults_of(content: Mapping[str, Any]) -> Iterator[UserError]:
    """What is wrong with a content, with paths inside of it."""
    for key in sorted(content.keys() - _PARTS.keys()):
        yield UserError(
            "INVALID_CONTENT", msg("“{key}” is not part of this rule."), (key,), {"key": key[:50]}
        )
    sound = True
    for key, (_, low, high) in _PARTS.items():
        value = content.get(key)
        if value is not None and not (type(value) is int and low <= value <= high):
            sound = False
            message = msg("This must lie between {minimum} and {maximum}.")
            yield UserError("OUT_OF_RANGE", message, (key,), {"minimum": low, "maximum": high})
    shortest = (
        min(
            (content[key] for key in ("noContactDays", "contractEndedDays") if content.get(key)), default=None
        )
        if sound
        else None
    )
    if shortest is not None and (content.get("warnDays") or 0) >= shortest:
        message = msg("The warning has to come after the beginning: less than {days} days before.")
        yield UserError("WARNED_TOO_EARLY", message, ("warnDays",), {"days": shortest})


register_rule_kind(KIND, check=check, label=msg("Public pool"))
