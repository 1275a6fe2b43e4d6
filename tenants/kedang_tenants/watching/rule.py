"""From when on a customer is watched: the company's thresholds, or the product's (A18, T8).

``{"months": 3, "least_sales": 1000, "risk": {"arrears_days": 45, "silent_days": null}, "best": {"top": 10}}``: what is
not said is as below, null is not looked at. Percentages are of the sales of the ``months`` before; amounts are in the
company's currency; satisfaction is the mean of the answers of twelve months, from 1 to 5. ``reasons`` is how many it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "watching"

_BOUNDS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "": {"months": (1, 24), "least_sales": (0, 10**12), "check_within": (1, 60), "checks_each": (1, 100)},
    "risk": {
        "reasons": (1, 7),
        "sales_fall": (1, 100),
        "arrears_days": (1, 3650),
        "credit_drop_days": (1, 3650),
        "grade_fall_days": (1, 3650),
        "satisfaction": (1, 5),
        "silent_days": (1, 3650),
    },
    "best": {"reasons": (1, 3), "top": (1, 10_000), "sales_rise": (1, 10_000), "satisfaction": (1, 5)},
}
_DEFAULTS: Final[Mapping[str, Mapping[str, float | None]]] = {
    "": {"months": 3, "least_sales": 0, "check_within": 3, "checks_each": 10},
    "risk": {
        "reasons": 1,
        "sales_fall": 30,
        "arrears_days": 30,
        "credit_drop_days": 90,
        "grade_fall_days": 90,
        "satisfaction": 2.5,
        "silent_days": 90,
    },
    "best": {"reasons": 2, "top": 20, "sales_rise": 20, "satisfaction": 4.5},
}
_NEEDED: Final = frozenset({"months", "least_sales", "checks_each", "reasons"})
"""What there is always; the others may be null."""
_WITH_FRACTIONS: Final = frozenset({"satisfaction"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds in force. ``check_within`` are working days until an unscheduled check is due, None: there is none;
    ``checks_each`` is how many checks a member has open at most.
    """

    months: int
    least_sales: int
    check_within: int | None
    checks_each: int
    risk: Mapping[str, float | None]
    best: Mapping[str, float | None]


async def load_thresholds(read: TenantRead) -> Thresholds:
    """Those of the company that ``read`` stands in."""
    rule = await in_force(read, KIND)
    content = rule.content if rule else {}
    general: dict[str, Any] = _merged("", content)
    return Thresholds(
        **{name: general[name] for name in _DEFAULTS[""]},
        risk=MappingProxyType(_merged("risk", content.get("risk", {}))),
        best=MappingProxyType(_merged("best", content.get("best", {}))),
    )


def _merged(part: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said.get(name, usual) for name, usual in _DEFAULTS[part].items()}


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    if not content:
        return [UserError("INVALID_CONTENT", msg("Say at least one threshold."))]
    wrong = _wrong_part(
        "", {name: value for name, value in content.items() if name not in {"risk", "best"}}, ()
    )
    for part in ("risk", "best"):
        told = content.get(part, {})
        if not isinstance(told, dict):
            wrong.append(UserError("INVALID_CONTENT", msg("Thresholds have a name each."), (part,)))
        else:
            wrong += _wrong_part(part, told, (part,))
    return wrong


def _wrong_part(part: str, told: Mapping[str, Any], path: tuple[str, ...]) -> list[UserError]:
    wrong = []
    for name, value in told.items():
        at = (*path, name)
        if name not in _BOUNDS[part]:
            wrong.append(UserError("UNKNOWN_THRESHOLD", msg("There is no such threshold."), at))
        elif value is not None or name in _NEEDED:
            wrong += _wrong_value(name, value, _BOUNDS[part][name], at)
    return wrong


def _wrong_value(
    name: str, value: object, bounds: tuple[float, float], at: tuple[str, ...]
) -> list[UserError]:
    low, high = bounds
    whole = type(value) is int or (name in _WITH_FRACTIONS and type(value) is float)
    if not whole:
        return [UserError("INVALID_NUMBER", msg("This must be a number."), at)]
    if not low <= value <= high:  # type: ignore[operator]  # a number by now
        text = msg("This must lie between {minimum} and {maximum}.")
        return [UserError("OUT_OF_RANGE", text, at, {"minimum": low, "maximum": high})]
    return []


register_rule_kind(KIND, check=check, label=msg("Watch list"))
