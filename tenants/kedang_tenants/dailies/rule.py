"""A company's habits of daily reports: when drafts make themselves, and its kinds of emergencies (F5, T8).

``{"draft_at": "18:00", "empty_days": false, "kinds": [{"code": "OTHER", "name": {"en": "Other", "zh": "其他"}}]}``.
A company without a rule has the habits below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import InvalidValue, TimeOfDayKind
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "dailies"
DRAFT_AT: Final = "18:00"
MOST_KINDS: Final = 30
_LONGEST_NAME: Final = 100
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_END_OF_DAY: Final = "24:00"
_NAMES: Final = frozenset({"draft_at", "empty_days", "kinds"})

_DEFAULT_KINDS: Final[Mapping[str, str]] = {
    "COMPETITOR_PRODUCT": msg("A competitor's product"),
    "POLICY_REFORM": msg("A reform of policy"),
    "SALES_OR_SERVICE_MOVE": msg("A move in sales or service"),
    "PRODUCT_PROBLEM": msg("A serious problem of a product"),
    "OTHER": msg("Another emergency"),
}


@dataclass(frozen=True, slots=True)
class EmergencyKind:
    """A kind of emergency: its stable code, and its name as records keep it."""

    code: str
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Habits:
    """``draft_at`` is ``HH:MM`` in the company's zone; with ``empty_days`` whoever met nobody owes a report, too."""

    draft_at: str
    empty_days: bool
    kinds: tuple[EmergencyKind, ...]

    def kind(self, code: str) -> EmergencyKind | None:
        """The kind of emergency of this code."""
        return next((kind for kind in self.kinds if kind.code == code), None)


async def load_habits(read: TenantRead) -> Habits:
    """Those of the company that ``read`` stands in."""
    rule = await in_force(read, KIND)
    content = rule.content if rule else {}
    kinds = content.get("kinds")
    return Habits(
        draft_at=content.get("draft_at", DRAFT_AT),
        empty_days=content.get("empty_days", False),
        kinds=_defaults()
        if kinds is None
        else tuple(EmergencyKind(one["code"], one["name"]) for one in kinds),
    )


def _defaults() -> tuple[EmergencyKind, ...]:
    return tuple(EmergencyKind(code, translated(label)) for code, label in _DEFAULT_KINDS.items())


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content; what it does not say is as the product's default has it."""
    unknown = sorted(set(content) - _NAMES)
    if unknown or not content:
        message = msg("Say at least one of draft_at, empty_days and kinds, and nothing else.")
        return [UserError("INVALID_CONTENT", message, tuple(unknown[:1]))]
    wrong = _wrong_time(content.get("draft_at", DRAFT_AT))
    if type(content.get("empty_days", False)) is not bool:
        wrong.append(UserError("INVALID_FLAG", msg("This must be yes or no."), ("empty_days",)))
    return [*wrong, *(_wrong_kinds(content["kinds"]) if "kinds" in content else ())]


def _wrong_time(told: object) -> list[UserError]:
    try:
        time = TimeOfDayKind().check(told)
    except InvalidValue as error:
        return [UserError(error.reason, error.message, ("draft_at",), error.params)]
    if time is None or time == _END_OF_DAY or time != told:
        return [UserError("INVALID_TIME", msg("A time of the day is written as 09:30."), ("draft_at",))]
    return []


def _wrong_kinds(kinds: object) -> list[UserError]:
    if not isinstance(kinds, list) or not 1 <= len(kinds) <= MOST_KINDS:
        message = msg("There are 1 to {most} kinds of emergencies.")
        return [UserError("KINDS_MISSING", message, ("kinds",), {"most": MOST_KINDS})]
    wrong = [error for place, kind in enumerate(kinds) for error in _wrong_kind(place, kind)]
    codes = [kind.get("code") for kind in kinds if isinstance(kind, dict)]
    return wrong or [
        UserError("KIND_REPEATED", msg("There are two kinds of this code."), ("kinds", place, "code"))
        for place, code in enumerate(codes)
        if code in codes[:place]
    ]


def _wrong_kind(place: int, kind: object) -> list[UserError]:
    path = ("kinds", place)
    if not isinstance(kind, dict) or set(kind) != {"code", "name"}:
        return [UserError("KIND_UNREADABLE", msg("A kind of emergency has a code and a name."), path)]
    wrong = []
    if not isinstance(kind["code"], str) or not _CODE.fullmatch(kind["code"]):
        message = msg("A code has up to 40 capital letters, digits and underscores.")
        wrong.append(UserError("KIND_CODE_INVALID", message, (*path, "code")))
    if not _is_name(kind["name"]):
        message = msg("A name has 1 to {longest} characters in each language.")
        wrong.append(UserError("KIND_NAME_MISSING", message, (*path, "name"), {"longest": _LONGEST_NAME}))
    return wrong


def _is_name(name: object) -> bool:
    return (
        isinstance(name, dict)
        and set(name) == {"en", "zh"}
        and all(isinstance(text, str) and 1 <= len(text.strip()) <= _LONGEST_NAME for text in name.values())
    )


register_rule_kind(KIND, check=check, label=msg("Daily and emergency reports"))
