"""The criteria of a rule out of its document: a measure, its period, and what gives points."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from kedang_platform.i18n import msg
from kedang_tenants.grading.measures import Measure
from kedang_tenants.grading.periods import (
    EVER,
    LAST_MONTHS,
    MOST_MONTHS,
    PERIOD_KINDS,
    TWELVE_MONTHS,
    YEAR,
    Period,
)
from kedang_tenants.grading.rule_content import IN_COMPANY, IN_REGION, WHOLE, Band, Criterion
from kedang_tenants.grading.rule_faults import Faults, Path

_KEYS: Final = frozenset({"measure", "period", "weight", "bands", "options", "percentile"})
_MOST_BANDS: Final = 50
_MOST_CHOICES: Final = 200
_FIRST_YEAR, _LAST_YEAR = 1901, 9998


def too_long(value: object) -> str:
    """A value of somebody's document as a message may repeat it."""
    return str(value)[:50]


def read_measured(
    faults: Faults, document: Mapping[str, Any], measures: Mapping[str, Measure], path: Path
) -> tuple[Measure, Period | None] | None:
    """The measure and its period; None where either is not known."""
    code = document.get("measure")
    if code is None:
        faults.refuse((*path, "measure"), "REQUIRED", msg("A value is required."))
        return None
    measure = measures.get(code) if isinstance(code, str) else None
    if measure is None:
        message = msg("Nothing is measured by the name “{measure}”.")
        faults.refuse((*path, "measure"), "UNKNOWN_MEASURE", message, measure=too_long(code))
        return None
    if not measure.periodic:
        if document.get("period") is not None:
            message = msg("“{measure}” is not measured over a period.")
            faults.refuse((*path, "period"), "PERIOD_WITHOUT_USE", message, measure=measure.code)
            return None
        return measure, None
    before = len(faults.found)
    period = _read_period(faults, document.get("period"), (*path, "period"))
    if period.kind == EVER and (measure.compares or "{months}" in measure.value):
        message = msg("“{measure}” needs a period that has an end and a beginning.")
        faults.refuse((*path, "period"), "PERIOD_TOO_LONG", message, measure=measure.code)
    return (measure, period) if len(faults.found) == before else None


def _read_period(faults: Faults, value: object, path: Path) -> Period:
    """The period that is said, twelve months where none is."""
    if value is None:
        return TWELVE_MONTHS
    document = faults.document(value, path, {"kind", "months", "year"})
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in PERIOD_KINDS:
        message = msg("A period is of the kind {kinds}.")
        faults.refuse((*path, "kind"), "UNKNOWN_PERIOD", message, kinds=", ".join(PERIOD_KINDS))
        return TWELVE_MONTHS
    months = year = None
    if kind == LAST_MONTHS:
        months = faults.whole(document.get("months", 12), (*path, "months"), least=1, most=MOST_MONTHS)
    elif document.get("months") is not None:
        faults.refuse((*path, "months"), "UNKNOWN_KEY", msg("“{key}” has no meaning here."), key="months")
    if kind == YEAR:
        if document.get("year") is None:
            faults.refuse((*path, "year"), "YEAR_MISSING", msg("A calendar year needs its year."))
        else:
            year = faults.whole(document["year"], (*path, "year"), least=_FIRST_YEAR, most=_LAST_YEAR)
    elif document.get("year") is not None:
        faults.refuse((*path, "year"), "UNKNOWN_KEY", msg("“{key}” has no meaning here."), key="year")
    return Period(kind, months, year)


def read_criterion(
    faults: Faults, entry: object, measures: Mapping[str, Measure], path: Path
) -> Criterion | None:
    """One criterion of a score; None where it has a fault."""
    before = len(faults.found)
    document = faults.document(entry, path, _KEYS)
    measured = read_measured(faults, document, measures, path)
    weight = faults.whole(document.get("weight"), (*path, "weight"), least=1, most=WHOLE)
    if measured is None or weight is None:
        return None
    ways = [way for way in ("bands", "options", "percentile") if document.get(way) is not None]
    wanted = ("options",) if measured[0].choices else ("bands", "percentile")
    if len(ways) != 1 or ways[0] not in wanted:
        message = msg("Say in one way how points are given: by {ways}.")
        faults.refuse(path, "POINTS_MISSING", message, ways=" / ".join(wanted))
        return None
    criterion = Criterion(
        *measured,
        weight=weight,
        bands=_read_bands(faults, document.get("bands"), (*path, "bands")) if ways == ["bands"] else (),
        choices=_read_choices(faults, document.get("options"), measured[0], (*path, "options")),
        within=_read_within(faults, document.get("percentile"), (*path, "percentile")),
    )
    return criterion if len(faults.found) == before else None


def _read_bands(faults: Faults, value: object, path: Path) -> tuple[Band, ...]:
    entries = faults.entries(value, path, most=_MOST_BANDS)
    if not entries:
        faults.refuse(path, "NO_BANDS", msg("Say which figures give how many points."))
        return ()
    bands = []
    for at, entry in enumerate(entries):
        document = faults.document(entry, (*path, at), {"minimum", "points"})
        minimum = document.get("minimum")
        least = None if minimum is None else faults.number(minimum, (*path, at, "minimum"))
        points = faults.whole(document.get("points"), (*path, at, "points"), least=0, most=WHOLE)
        if points is None or (minimum is not None and least is None):
            return ()
        bands.append(Band(least, points))
    bands.sort(key=lambda band: (band.minimum is None, 0 if band.minimum is None else -band.minimum))
    if bands[-1].minimum is not None:
        faults.refuse(
            path, "NO_LAST_BAND", msg("One band must take all lower figures: leave its minimum empty.")
        )
    for upper, lower in pairwise(bands):
        if upper.minimum == lower.minimum:
            faults.refuse(path, "BANDS_OVERLAP", msg("Two bands begin at the same figure."))
    return tuple(bands)


def _read_choices(faults: Faults, value: object, measure: Measure, path: Path) -> Mapping[str, int]:
    if value is None:
        return {}
    codes = [choice.code for choice in measure.choices]
    if not isinstance(value, Mapping) or len(value) > _MOST_CHOICES:
        faults.refuse(path, "INVALID_DOCUMENT", msg("This must be an object of names and values."))
        return {}
    if faults.in_force:  # the company's choices may have become others since
        return {code: points for code, points in value.items() if code in codes}
    for code in value:
        if code not in codes:
            message = msg("“{value}” is not one of the choices.")
            faults.refuse((*path, too_long(code)), "UNKNOWN_OPTION", message, value=too_long(code))
    points = {}
    for code in codes:
        if code not in value:
            message = msg("Say how many points “{value}” gives.")
            faults.refuse((*path, code), "OPTION_WITHOUT_POINTS", message, value=code)
            continue
        found = faults.whole(value[code], (*path, code), least=0, most=WHOLE)
        points[code] = found or 0
    return points


def _read_within(faults: Faults, value: object, path: Path) -> str | None:
    if value is not None and value not in (IN_COMPANY, IN_REGION):
        faults.refuse(
            path, "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), value=too_long(value)
        )
    return None if value is None else str(value)
