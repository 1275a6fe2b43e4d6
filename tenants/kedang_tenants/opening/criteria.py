"""Lists of criteria that a company begins with and then makes its own, each a rule with a life (T1, T8).

What new customers are selected by (A14), what makes a bad customer (A15), what is gone through before, at and
after a sale (S4). They are read by people and by the features that decide under them, which stamp the version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants import rules
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.reading import Viewer

SELECTION: Final = "customer.selection"
BAD_CUSTOMERS: Final = "customer.bad"
CHECKLISTS: Final = "service.checklists"

PHASES: Final = ("BEFORE_SALE", "AT_SALE", "AFTER_SALE")
_MOST: Final = 50
_LONGEST: Final = 300
_MOST_MONTHS: Final = 120
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_LANGUAGES: Final = ("en", "zh")


@dataclass(frozen=True, slots=True)
class _Criterion:
    """``months``: how long something must have lasted; ``phase``: when it is gone through."""

    code: str
    label: str
    months: int | None = None
    phase: str | None = None

    def as_content(self) -> dict[str, object]:
        told = {
            "code": self.code,
            "label": translated(self.label),
            "months": self.months,
            "phase": self.phase,
        }
        return {name: value for name, value in told.items() if value is not None}


_DEFAULTS: Final[Mapping[str, tuple[_Criterion, ...]]] = {
    SELECTION: (
        _Criterion("QUALITY", msg("Quality, equipment and technique")),
        _Criterion("STANDING", msg("Capital, credit and skill")),
        _Criterion("DELIVERY", msg("Punctual delivery")),
        _Criterion("COOPERATION", msg("Willingness to cooperate")),
        _Criterion("CONFIDENTIALITY", msg("Confidentiality")),
        _Criterion("COST", msg("Cost")),
    ),
    BAD_CUSTOMERS: (
        _Criterion("INSOLVENT", msg("Bankrupt, insolvent or with a heavy loss")),
        _Criterion("OVERDUE", msg("Overdue for more than a year and unwilling to pay"), months=12),
        _Criterion("NO_BUSINESS", msg("No business for more than a year"), months=12),
        _Criterion("DAMAGE", msg("Serious damage to our image or business")),
        _Criterion("BREACH", msg("Serious breach of law, or fraud")),
    ),
    CHECKLISTS: (
        _Criterion("MARKET", msg("The customer's market"), phase="BEFORE_SALE"),
        _Criterion("NEED", msg("The customer's need"), phase="BEFORE_SALE"),
        _Criterion("CONDITIONS", msg("Conditions of use"), phase="BEFORE_SALE"),
        _Criterion("PERFORMANCE", msg("Performance of the product"), phase="AT_SALE"),
        _Criterion("CARE", msg("What to take care of in use"), phase="AT_SALE"),
        _Criterion("INSPECTION", msg("Inspection"), phase="AFTER_SALE"),
        _Criterion("VISIT", msg("Return visit"), phase="AFTER_SALE"),
        _Criterion("REPLACEMENT", msg("Replacement of parts"), phase="AFTER_SALE"),
    ),
}


async def seed_criteria(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> None:
    """Put the lists in force that every company begins with."""
    for kind, criteria in _DEFAULTS.items():
        content = {"criteria": [criterion.as_content() for criterion in criteria]}
        await rules.establish(write, viewer, kind=kind, content=content, clock=clock)


async def check_criteria(
    _read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]
) -> Sequence[UserError]:
    """What is wrong with a list: 1 to 50 criteria, each with a code of its own and a label in both languages."""
    criteria = content.get("criteria")
    if set(content) != {"criteria"} or not isinstance(criteria, list) or not 1 <= len(criteria) <= _MOST:
        message = msg("A list has 1 to {most} criteria.")
        return [UserError("CRITERIA_MISSING", message, ("criteria",), {"most": _MOST})]
    wrong = [error for place, given in enumerate(criteria) for error in _wrong_with(place, given)]
    codes = [given.get("code") for given in criteria if isinstance(given, dict)]
    return wrong or [
        UserError(
            "CRITERION_REPEATED", msg("There are two criteria of this code."), ("criteria", place, "code"), {}
        )
        for place, code in enumerate(codes)
        if code in codes[:place]
    ]


def _wrong_with(place: int, given: object) -> list[UserError]:
    path = ("criteria", place)
    if not isinstance(given, dict) or not set(given) <= {"code", "label", "months", "phase"}:
        return [UserError("CRITERION_UNREADABLE", msg("A criterion has a code and a label."), path, {})]
    wrong: list[UserError] = []
    if not isinstance(given.get("code"), str) or not _CODE.fullmatch(given["code"]):
        message = msg("A code has up to 40 capital letters, digits and underscores.")
        wrong.append(UserError("CRITERION_CODE_INVALID", message, (*path, "code"), {}))
    if not _is_label(given.get("label")):
        message = msg("A label has 1 to {longest} characters in each language.")
        wrong.append(UserError("CRITERION_LABEL_MISSING", message, (*path, "label"), {"longest": _LONGEST}))
    months = given.get("months", 1)
    if type(months) is not int or not 1 <= months <= _MOST_MONTHS:
        message = msg("Months are a number from 1 to {most}.")
        wrong.append(
            UserError("CRITERION_MONTHS_INVALID", message, (*path, "months"), {"most": _MOST_MONTHS})
        )
    if given.get("phase", PHASES[0]) not in PHASES:
        message = msg("A phase is one of {phases}.")
        wrong.append(
            UserError("CRITERION_PHASE_UNKNOWN", message, (*path, "phase"), {"phases": ", ".join(PHASES)})
        )
    return wrong


def _is_label(label: object) -> bool:
    return (
        isinstance(label, dict)
        and set(label) == set(_LANGUAGES)
        and all(isinstance(text, str) and 1 <= len(text.strip()) <= _LONGEST for text in label.values())
    )


rules.register_rule_kind(SELECTION, check=check_criteria, label=msg("Selection of new customers"))
rules.register_rule_kind(BAD_CUSTOMERS, check=check_criteria, label=msg("Bad customers"))
rules.register_rule_kind(CHECKLISTS, check=check_criteria, label=msg("Service checklists"))
