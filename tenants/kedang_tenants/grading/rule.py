"""The rule of a scheme as a value: which period it measures, which level a figure gives. No database here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_platform.money import to_amount
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.grading.models import CALENDAR_YEAR, MEASURES, PERIODS


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a rule. ``minimum`` is in major units; None takes whoever no better level takes."""

    id: UUID
    code: str
    position: int
    minimum: Decimal | None
    exclusive: bool

    def takes(self, figure: Decimal) -> bool:
        if self.minimum is None:
            return True
        return figure > self.minimum if self.exclusive else figure >= self.minimum


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` to before ``end``."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Rule:
    """What is in force under one version of a scheme's rule; the levels from the best to the last."""

    version: int
    measure: str
    period: str
    year: int | None
    levels: tuple[Level, ...]

    def level_for(self, figure: Decimal) -> Level:
        """The best level that takes ``figure`` (in major units); every figure has one."""
        return next(level for level in self.levels if level.takes(figure))

    def span(self, today: date) -> Span:
        """The days that are measured: the calendar year, or the twelve months that end with ``today``."""
        if self.period == CALENDAR_YEAR and self.year is not None:
            return Span(date(self.year, 1, 1), date(self.year + 1, 1, 1))
        end = today + timedelta(days=1)
        return Span(_year_before(end), end)


def _year_before(day: date) -> date:
    """The same day a year before; 29 February becomes 1 March, so that no day is counted twice a year."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 3, 1)


def find_faults(*, measure: str, period: str, year: int | None, levels: Sequence[Level]) -> list[UserError]:
    """Everything that keeps a scheme from being put in force; empty when it can be."""
    faults: list[UserError] = []
    if measure not in {option.code for option in MEASURES}:
        faults.append(_fault("UNKNOWN_MEASURE", msg("The measure is not known."), "measure"))
    if period not in {option.code for option in PERIODS}:
        faults.append(_fault("UNKNOWN_PERIOD", msg("The period is not known."), "period"))
    if period == CALENDAR_YEAR and year is None:
        faults.append(_fault("YEAR_MISSING", msg("A calendar year needs its year."), "year"))
    return faults + list(_faults_of_levels(levels))


def _faults_of_levels(levels: Sequence[Level]) -> Iterable[UserError]:
    if not levels:
        yield _fault("NO_LEVELS", msg("The scheme has no levels."), "levels")
        return
    ordered = sorted(levels, key=lambda level: level.position)
    for code in _twice(level.code for level in ordered):
        yield _fault("DUPLICATE_CODE", msg("Two levels have the code “{level}”."), "levels", level=code)
    for position in _twice(level.position for level in ordered):
        message = msg("Two levels have the position {position}.")
        yield _fault("DUPLICATE_POSITION", message, "levels", position=position)
    if ordered[-1].minimum is not None:
        message = msg("The last level, “{level}”, must take everybody else: leave its minimum empty.")
        yield _fault("NO_LAST_LEVEL", message, "levels", level=ordered[-1].code)
    for better, worse in pairwise(ordered):
        if not _above(better, worse):
            message = msg("Level “{better}” must ask for more than level “{worse}” below it.")
            yield _fault("THRESHOLDS_OVERLAP", message, "levels", better=better.code, worse=worse.code)


def _twice(values: Iterable[object]) -> list[object]:
    seen: dict[object, int] = {}
    for value in values:
        seen[value] = seen.get(value, 0) + 1
    return [value for value, count in seen.items() if count > 1]


def _above(better: Level, worse: Level) -> bool:
    """Whether there are figures that only the better level takes, and ``worse`` takes all that it takes."""
    if better.minimum is None:
        return False
    if worse.minimum is None:
        return True
    return (better.minimum, better.exclusive) > (worse.minimum, worse.exclusive)


def _fault(code: str, message: str, field: str, **params: object) -> UserError:
    return UserError(code, message, ("input", field), params)


def to_document(rule: Rule) -> dict[str, Any]:
    """The rule as it is kept with the scheme."""
    return {
        "version": rule.version,
        "measure": rule.measure,
        "period": rule.period,
        "year": rule.year,
        "levels": [
            {
                "id": str(level.id),
                "code": level.code,
                "position": level.position,
                "minimum": None if level.minimum is None else decimal_text(level.minimum),
                "exclusive": level.exclusive,
            }
            for level in rule.levels
        ],
    }


def from_document(document: Mapping[str, Any]) -> Rule:
    """The rule that ``to_document`` has written."""
    return Rule(
        version=document["version"],
        measure=document["measure"],
        period=document["period"],
        year=document["year"],
        levels=tuple(
            Level(
                id=UUID(level["id"]),
                code=level["code"],
                position=level["position"],
                minimum=None if level["minimum"] is None else Decimal(level["minimum"]),
                exclusive=level["exclusive"],
            )
            for level in document["levels"]
        ),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found at one customer: ``value`` in minor units of ``currency``, from ``orders`` orders."""

    value: int
    orders: int
    currency: str
    span: Span

    @property
    def amount(self) -> Decimal:
        return to_amount(minor=self.value, currency=self.currency)


def figures(rule: Rule, level: Level, measured: Measured) -> dict[str, Any]:
    """What a grade keeps of how it came about."""
    return {
        "measure": rule.measure,
        "value": measured.value,
        "currency": measured.currency,
        "orders": measured.orders,
        "from": measured.span.start.isoformat(),
        "until": measured.span.end.isoformat(),
        "minimum": None if level.minimum is None else decimal_text(level.minimum),
        "exclusive": level.exclusive,
    }


_AT_LEAST = msg(
    "Sales from {first} to {last}: {sales} {currency}, orders: {orders}. Level {level} takes at least {minimum}"
    " {currency}. Version {version} of the rule."
)
_MORE_THAN = msg(
    "Sales from {first} to {last}: {sales} {currency}, orders: {orders}. Level {level} takes more than {minimum}"
    " {currency}. Version {version} of the rule."
)
_THE_REST = msg(
    "Sales from {first} to {last}: {sales} {currency}, orders: {orders}. Level {level} takes everybody below the"
    " other levels. Version {version} of the rule."
)


def explain(rule: Rule, level: Level, measured: Measured) -> dict[str, str]:
    """Why the customer has this level, in the words of each of our languages."""
    text = _THE_REST if level.minimum is None else _MORE_THAN if level.exclusive else _AT_LEAST
    params = {
        "first": measured.span.start.isoformat(),
        "last": (measured.span.end - timedelta(days=1)).isoformat(),
        "sales": f"{measured.amount:,f}",
        "currency": measured.currency,
        "orders": measured.orders,
        "level": level.code,
        "minimum": "" if level.minimum is None else f"{Decimal(decimal_text(level.minimum)):,f}",
        "version": rule.version,
    }
    return translated(text, params)
