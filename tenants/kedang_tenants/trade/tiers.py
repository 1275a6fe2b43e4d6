"""From which margin on a product is of which profit tier (P1, T8): the product's thresholds, or the company's own.

A rule of the kind ``profit.tiers``, margins as fractions of the list price: ``{"high": "0.4", "medium": "0.2",
"low": "0"}``. Below the lowest it is a loss. A company without a rule has these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, cast

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import DecimalKind, InvalidValue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "profit.tiers"
_NAMES: Final = ("high", "medium", "low")
_MARGIN: Final = DecimalKind(Decimal(-1), Decimal(1))


@dataclass(frozen=True, slots=True)
class ProfitTiers:
    """The lowest margin of each tier, as fractions of the list price."""

    high: Decimal = Decimal("0.4")
    medium: Decimal = Decimal("0.2")
    low: Decimal = Decimal(0)

    def of(self, margin: Decimal | None) -> str | None:
        """The tier of a margin; None: unknown."""
        if margin is None:
            return None
        steps = ((self.high, "HIGH"), (self.medium, "MEDIUM"), (self.low, "LOW"))
        return next((tier for least, tier in steps if margin >= least), "LOSS")


async def profit_tiers(read: TenantRead) -> ProfitTiers:
    """Those of the company that ``read`` stands in."""
    rule = await in_force(read, KIND)
    if rule is None:
        return ProfitTiers()
    return ProfitTiers(**{name: Decimal(str(rule.content[name])) for name in _NAMES})


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content: each tier has its margin, and a better tier a higher one."""
    if set(content) != set(_NAMES):
        message = msg("Say the lowest margins of high, medium and low, and nothing else.")
        return [UserError("INVALID_CONTENT", message, tuple(sorted(content.keys() - set(_NAMES))[:1]))]
    wrong = [error for name in _NAMES for error in _wrong_margin(name, content[name])]
    return wrong or [
        UserError("TIERS_NOT_IN_ORDER", msg("A better tier begins at a higher margin."), (better,))
        for better, worse in pairwise(_NAMES)
        if _margin(content[better]) <= _margin(content[worse])
    ]


def _wrong_margin(name: str, told: object) -> Iterator[UserError]:
    try:
        _margin(told)
    except InvalidValue as error:
        yield UserError(error.reason, error.message, (name,), error.params)


def _margin(told: object) -> Decimal:
    return cast("Decimal", _MARGIN.check(told))


_IS_OF_TIERS: Final = "SELECT EXISTS (SELECT 1 FROM rule_version WHERE id = ANY($1::uuid[]) AND kind = $2)"
_TIER: Final = (
    "CASE WHEN margin >= $1::numeric THEN 'HIGH' WHEN margin >= $2::numeric THEN 'MEDIUM'"
    " WHEN margin >= $3::numeric THEN 'LOW' ELSE 'LOSS' END"
)
_STORE: Final = f"""
UPDATE product SET profit_tier = {_TIER}, updated_at = $4
WHERE margin IS NOT NULL AND profit_tier IS DISTINCT FROM {_TIER}
"""


@subscribe("rule_version.created", "rule_version.updated")
async def store_tiers(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], clock: Clock) -> None:
    """Other thresholds in force, or the product's own again, put products into other tiers.

    A tier follows from margin and rule, whose audit rows tell the change: it makes no version of its own.
    """
    ids = [event.record_id for event in events if "state" in event.changes]
    if ids and await write.fetchval(_IS_OF_TIERS, ids, KIND):
        tiers = await profit_tiers(write)
        await write.fetch(_STORE, tiers.high, tiers.medium, tiers.low, clock.now())


register_rule_kind(KIND, check=check, label=msg("Profit tiers"))
