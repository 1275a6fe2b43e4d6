"""When and how often a company writes to people: a rule of it (T8, kind "correspondence").

``{"quiet": {"from": "21:00", "until": "08:00"}, "most": {"mails": 5, "days": 7}, "exempt": ["SERVICE"],
"bounces": {"mails": 5, "days": 30}}``; a part that is null or missing does not hold, ``exempt`` and ``bounces``
have their defaults where they are missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final, TypeAlias

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_platform.quiet_hours import QuietHours
from kedang_tenants.customers.consents import PURPOSES, SERVICE
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "correspondence"
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_MOST_MAILS: Final = 100
MOST_DAYS: Final = 90
_KINDS: Final = frozenset(option.code for option in PURPOSES)
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Most:
    """At most so many mails in any so long a time."""

    mails: int
    time: timedelta


@dataclass(frozen=True, slots=True)
class CorrespondenceRule:
    """What holds for the mails of a company to people; kinds in ``exempt`` neither wait nor count.

    After ``bounces.mails`` mails to an address in ``bounces.time`` that came back for a passing reason it is suppressed.
    """

    quiet: QuietHours | None
    most: Most | None
    exempt: frozenset[str]
    bounces: Most

    def quiet_for(self, kind: str) -> QuietHours | None:
        """The quiet hours that mails of the kind keep to."""
        return None if kind in self.exempt else self.quiet

    def most_for(self, kind: str) -> Most | None:
        """How many mails a person gets at most, where mails of the kind count."""
        return None if kind in self.exempt else self.most


_BOUNCES: Final = Most(5, timedelta(days=30))
DEFAULT: Final = CorrespondenceRule(
    quiet=None, most=Most(5, timedelta(days=7)), exempt=frozenset({SERVICE}), bounces=_BOUNCES
)
"""What holds for a company without a rule of its own."""

TEMPLATE: Final[Mapping[str, Any]] = {
    "quiet": {"from": "21:00", "until": "08:00"},
    "most": {"mails": 5, "days": 7},
    "exempt": [SERVICE],
    "bounces": {"mails": 5, "days": 30},
}
"""What a company may begin with; it is in force only once the company says so."""


async def rule_of(read: TenantRead) -> CorrespondenceRule:
    """The rule that is in force, or the default."""
    version = await in_force(read, KIND)
    return DEFAULT if version is None else rule_in(version.content)


def rule_in(content: Mapping[str, Any]) -> CorrespondenceRule:
    """What a content that was checked says."""
    quiet = content.get("quiet")
    return CorrespondenceRule(
        quiet=QuietHours(_time(quiet["from"]), _time(quiet["until"])) if quiet else None,
        most=_most(content["most"]) if content.get("most") else None,
        exempt=frozenset(content.get("exempt", DEFAULT.exempt)),
        bounces=_most(content["bounces"]) if content.get("bounces") else _BOUNCES,
    )


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _most(said: Mapping[str, int]) -> Most:
    return Most(said["mails"], timedelta(days=said["days"]))


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    return list(_wrong(content))


def _wrong(content: Mapping[str, Any]) -> Iterator[UserError]:
    unknown = sorted(set(content) - set(TEMPLATE))
    for name in unknown:
        message = msg("A rule of correspondence says quiet, most, exempt and bounces.")
        yield UserError("INVALID_CONTENT", message, (name[:50],))
    yield from _wrong_quiet(content.get("quiet"))
    for name in ("most", "bounces"):
        if content.get(name) is not None:
            yield from _wrong_most(content[name], (name,))
    exempt = content.get("exempt", [])
    if not isinstance(exempt, list) or any(kind not in _KINDS for kind in exempt if isinstance(kind, str)):
        kinds = ", ".join(sorted(_KINDS))
        yield UserError("UNKNOWN_VALUE", msg("Kinds are {kinds}."), ("exempt",), {"kinds": kinds})
    elif not all(isinstance(kind, str) for kind in exempt):
        yield UserError("INVALID_CONTENT", msg("Kinds are named by their codes."), ("exempt",))


def _wrong_quiet(quiet: object) -> Iterator[UserError]:
    if quiet is None:
        return
    if not isinstance(quiet, Mapping) or set(quiet) != {"from", "until"}:
        yield UserError("INVALID_CONTENT", msg("Quiet hours have from and until."), ("quiet",))
        return
    wrong = False
    for end in ("from", "until"):
        if not isinstance(quiet[end], str) or not _TIME.fullmatch(quiet[end]):
            wrong = True
            yield UserError("INVALID_TIME", msg("A time of the day is written as 09:30."), ("quiet", end))
    if not wrong and quiet["from"] == quiet["until"]:
        message = msg("Quiet hours end at another time than they begin.")
        yield UserError("OUT_OF_RANGE", message, ("quiet", "until"))


def _wrong_most(said: object, path: Path) -> Iterator[UserError]:
    if not isinstance(said, Mapping) or set(said) != {"mails", "days"}:
        yield UserError("INVALID_CONTENT", msg("Say mails and days."), path)
        return
    for name, high in (("mails", _MOST_MAILS), ("days", MOST_DAYS)):
        if type(said[name]) is not int or not 1 <= said[name] <= high:
            message = msg("Between {low} and {high} are possible.")
            yield UserError("OUT_OF_RANGE", message, (*path, name), {"low": 1, "high": high})


register_rule_kind(KIND, check=check, label=msg("Writing to customers"))
