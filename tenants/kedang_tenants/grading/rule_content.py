"""The rule of a scheme as a value: what is measured, how it is weighed, which level it gives. No database here.

As a document, which people write and versions keep, it looks like this; ``docs/adr/0040-the-grade-engine.md`` has all
of it::

    {"kind": "THRESHOLDS", "measure": "SALES", "period": {"kind": "LAST_MONTHS", "months": 12},
     "levels": [{"level": "A", "minimum": "20000"}, {"level": "B"}], "unknown": null, "guard": {"days": 30}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.grading.measures import LOWER, ArchiveFacts, Measure
from kedang_tenants.grading.periods import Period

THRESHOLDS, PERCENTILES, SCORE = "THRESHOLDS", "PERCENTILES", "SCORE"
IN_COMPANY, IN_REGION = "COMPANY", "REGION"
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class RuleLevel:
    """A level of the scheme; ``rank`` is its position, 1 the best."""

    id: UUID
    code: str
    rank: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a level asks for: a bound that the figure or score has to reach, or a share of the customers.

    ``bound`` is in major units where money is measured, and one of its choices where those are; None takes whoever no
    better level takes. Where less is better, it is the most that is allowed. ``exclusive`` leaves the bound itself out.
    """

    level: RuleLevel
    bound: Decimal | str | None = None
    exclusive: bool = False
    share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Points (0 to 100) from ``minimum`` on, in major units of money; None is for everything below the other bands."""

    minimum: Decimal | None
    points: int


@dataclass(frozen=True, slots=True)
class Criterion:
    """One measure of a rule over its period; in a score its weight in percent, and what gives how many points.

    Points come of bands, of choices, or of the rank: who does better than x percent of the others ``within`` the
    company or the region has x points.
    """

    measure: Measure
    period: Period | None
    weight: int = WHOLE
    bands: tuple[Band, ...] = ()
    choices: Mapping[str, int] = field(default_factory=dict)
    within: str | None = None


@dataclass(frozen=True, slots=True)
class GradeRule:
    """One version of a scheme's rule; ``steps`` go from the best level to the last, which is open.

    A customer of whom less than ``minimum_known`` percent of the weight is known has the level ``unknown``, or none.
    ``guard_days`` is how long a level is held before a customer may fall from it under the same version.
    """

    version: int
    kind: str
    criteria: tuple[Criterion, ...]
    steps: tuple[Step, ...]
    within: str | None = None
    unknown: RuleLevel | None = None
    minimum_known: int = WHOLE
    guard_days: int = 0

    @property
    def levels(self) -> tuple[RuleLevel, ...]:
        """Every level that the rule may give, the best first; the one for the unknown last unless it has a step."""
        found = [step.level for step in self.steps]
        if self.unknown is not None and self.unknown not in found:
            found.append(self.unknown)
        return tuple(found)

    @property
    def level_ids(self) -> frozenset[UUID]:
        return frozenset(level.id for level in self.levels)

    @property
    def compares_customers(self) -> bool:
        """Whether a customer's level depends on the figures of the others."""
        return self.kind == PERCENTILES or any(criterion.within for criterion in self.criteria)

    @property
    def moves_with_time(self) -> bool:
        """Whether the same records may give other grades when days pass."""
        return self.guard_days > 0 or any(_moves(criterion) for criterion in self.criteria)

    def document(self) -> dict[str, Any]:
        """The rule in its normal form, with its version and the ids of its levels."""
        told: dict[str, Any] = {
            "version": self.version,
            "kind": self.kind,
            "levels": [_step_document(self, step) for step in self.steps],
            "unknown": None if self.unknown is None else _level_document(self.unknown),
            "guard": {"days": self.guard_days},
        }
        if self.kind == SCORE:
            told["criteria"] = [_criterion_document(criterion) for criterion in self.criteria]
            told["minimumKnown"] = self.minimum_known
        else:
            told |= _measured_document(self.criteria[0])
        if self.within is not None:
            told["within"] = self.within
        return told


def _moves(criterion: Criterion) -> bool:
    if criterion.period is not None:
        return criterion.period.moves
    return not isinstance(criterion.measure.source, ArchiveFacts) or "{as_of}" in criterion.measure.value


def _level_document(level: RuleLevel) -> dict[str, Any]:
    return {"id": str(level.id), "level": level.code, "rank": level.rank}


def bound_name(measure: Measure | None) -> str:
    """What a document calls the bound of a level: more is asked for, or less allowed."""
    return "maximum" if measure is not None and measure.better == LOWER else "minimum"


def _step_document(rule: GradeRule, step: Step) -> dict[str, Any]:
    told = _level_document(step.level)
    if step.share is not None:
        told["share"] = decimal_text(step.share)
    if step.bound is not None:
        name = bound_name(None if rule.kind == SCORE else rule.criteria[0].measure)
        told[name] = step.bound if isinstance(step.bound, str) else decimal_text(step.bound)
        told["exclusive"] = step.exclusive
    return told


def _measured_document(criterion: Criterion) -> dict[str, Any]:
    period = None if criterion.period is None else criterion.period.document()
    return {"measure": criterion.measure.code} | ({"period": period} if period else {})


def _criterion_document(criterion: Criterion) -> dict[str, Any]:
    told = _measured_document(criterion) | {"weight": criterion.weight}
    if criterion.within is not None:
        told["percentile"] = criterion.within
    if criterion.choices:
        told["options"] = dict(criterion.choices)
    if criterion.bands:
        told["bands"] = [
            {"points": band.points}
            | ({} if band.minimum is None else {"minimum": decimal_text(band.minimum)})
            for band in criterion.bands
        ]
    return told


def document_of_levels(
    *, measure: str, period: str, year: int | None, levels: list[dict[str, Any]]
) -> dict[str, Any]:
    """The rule by thresholds of one sum that a scheme's own fields and those of its levels say.

    ``levels`` have ``code``, ``minimum`` (a decimal, or None) and ``exclusive``.
    """
    span: dict[str, Any] = {"kind": "LAST_MONTHS", "months": 12}
    if period == "CALENDAR_YEAR":
        span = {"kind": "YEAR"} | ({} if year is None else {"year": year})
    return {
        "kind": THRESHOLDS,
        "measure": measure,
        "period": span,
        "levels": [
            {"level": level["code"]}
            | (
                {}
                if level["minimum"] is None
                else {"minimum": decimal_text(level["minimum"]), "exclusive": bool(level["exclusive"])}
            )
            for level in levels
        ],
    }
