"""Which days a measure looks at: a period of a rule, and the span that it is on one day. No database here."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from kedang_platform.i18n import msg

LAST_MONTHS, LAST_MONTH, LAST_YEAR = "LAST_MONTHS", "LAST_MONTH", "LAST_YEAR"
THIS_YEAR, YEAR, EVER = "THIS_YEAR", "YEAR", "EVER"

PERIOD_KINDS: Final = {
    LAST_MONTHS: msg("The last so many months, up to and with today"),
    LAST_MONTH: msg("The calendar month before this one"),
    LAST_YEAR: msg("The calendar year before this one"),
    THIS_YEAR: msg("This calendar year up to and with today"),
    YEAR: msg("One calendar year"),
    EVER: msg("Everything up to and with today"),
}
MOST_MONTHS: Final = 120
_BEGINNING: Final = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` to before ``end``."""

    start: date
    end: date

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A period as a rule names it. ``months`` belongs to LAST_MONTHS, ``year`` to YEAR."""

    kind: str
    months: int | None = None
    year: int | None = None

    @property
    def moves(self) -> bool:
        """Whether the span is another one when days pass."""
        return self.kind != YEAR

    def span(self, as_of: date) -> Span:
        """The days looked at on ``as_of``; none of them lies behind it, but for a YEAR that is named."""
        match self.kind:
            case "YEAR" if self.year is not None:
                return Span(date(self.year, 1, 1), date(self.year + 1, 1, 1))
            case "THIS_YEAR":
                return Span(date(as_of.year, 1, 1), as_of + timedelta(days=1))
            case "LAST_YEAR":
                return Span(date(as_of.year - 1, 1, 1), date(as_of.year, 1, 1))
            case "LAST_MONTH":
                end = as_of.replace(day=1)
                return Span(_months_before(end, 1), end)
            case "EVER":
                return Span(_BEGINNING, as_of + timedelta(days=1))
            case _:
                end = as_of + timedelta(days=1)
                return Span(_months_before(end, self.months or 12), end)

    def before(self, as_of: date) -> Span:
        """What growth is held against: as many months right before, for a year the same days of the one before."""
        span = self.span(as_of)
        if self.kind == THIS_YEAR:
            return Span(_months_before(span.start, 12), _months_before(span.end, 12))
        return Span(_months_before(span.start, self.months_in(as_of)), span.start)

    def months_in(self, as_of: date) -> int:
        """Months that the span holds; begun ones count whole."""
        match self.kind:
            case "LAST_MONTHS":
                return self.months or 12
            case "LAST_MONTH":
                return 1
            case "THIS_YEAR":
                return as_of.month
            case _:
                return 12

    def document(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": self.kind}
        if self.months is not None:
            told["months"] = self.months
        if self.year is not None:
            told["year"] = self.year
        return told

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Period:
        return cls(document["kind"], document.get("months"), document.get("year"))


TWELVE_MONTHS: Final = Period(LAST_MONTHS, months=12)


def _months_before(day: date, months: int) -> date:
    """The same day so many months before; one that the month does not have is the first of the next.

    So 29 February a year before is 1 March, and no day is counted by two periods that follow each other.
    """
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if day.day <= monthrange(years, month + 1)[1]:
        return date(years, month + 1, day.day)
    return date(years + (month == 11), (month + 1) % 12 + 1, 1)


def is_end_of_month(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def ends_of_months(before: date, *, count: int) -> tuple[date, ...]:
    """The last days of the ``count`` calendar months that lie wholly behind us on ``before``, the earliest first."""
    first = before.replace(day=1)
    return tuple(_months_before(first, back) - timedelta(days=1) for back in reversed(range(count)))
