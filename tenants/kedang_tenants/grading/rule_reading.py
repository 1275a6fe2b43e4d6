"""A rule out of the document that people write, or everything that is wrong with it (G2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.grading.criteria_reading import read_criterion, read_measured, too_long
from kedang_tenants.grading.measures import LOWER, Measure
from kedang_tenants.grading.rule_content import (
    IN_COMPANY,
    IN_REGION,
    PERCENTILES,
    SCORE,
    THRESHOLDS,
    WHOLE,
    Criterion,
    GradeRule,
    RuleLevel,
    Step,
    bound_name,
)
from kedang_tenants.grading.rule_faults import Faults, Path

_COMMON: Final = frozenset({"version", "kind", "levels", "unknown", "guard"})
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    THRESHOLDS: _COMMON | {"measure", "period"},
    PERCENTILES: _COMMON | {"measure", "period", "within"},
    SCORE: _COMMON | {"criteria", "minimumKnown"},
}
_MOST_LEVELS: Final = 50
_MOST_CRITERIA: Final = 20
_MOST_GUARD_DAYS: Final = 365
_DEFAULT_KNOWN: Final = 50


def parse_rule(
    document: object, levels: Sequence[RuleLevel], measures: Mapping[str, Measure], *, version: int
) -> GradeRule | list[UserError]:
    """The rule that a document means for a scheme with these levels, or all its faults.

    Every fault has a stable code, a message to be translated, and a path that begins with ``input.content``.
    """
    faults = Faults()
    kind = document.get("kind") if isinstance(document, Mapping) else None
    if not isinstance(kind, str) or kind not in _KEYS:
        faults.document(document, (), document if isinstance(document, Mapping) else ())
        if isinstance(document, Mapping):
            message = msg("A rule is of the kind {kinds}.")
            faults.refuse(("kind",), "UNKNOWN_RULE_KIND", message, kinds=", ".join(_KEYS))
        return faults.found
    known = faults.document(document, (), _KEYS[kind])
    rule = _read(faults, kind, known, {level.code: level for level in levels}, measures, version)
    return faults.found or rule


def rule_in_force(document: Mapping[str, Any], measures: Mapping[str, Measure]) -> GradeRule:
    """The rule that ``GradeRule.document`` has written; raises ``ValueError`` for any other document.

    What was stored before rules were documents is read as the thresholds that it meant.
    """
    content = document if "kind" in document else _of_thresholds(document)
    told = [*content["levels"], *([content["unknown"]] if content.get("unknown") else [])]
    levels = {level["level"]: RuleLevel(UUID(level["id"]), level["level"], level["rank"]) for level in told}
    faults = Faults(in_force=True)
    rule = _read(faults, content["kind"], content, levels, measures, content["version"])
    if faults.found:
        raise ValueError(f"not a rule in force: {[(fault.code, fault.path) for fault in faults.found]}")
    return rule


def _of_thresholds(document: Mapping[str, Any]) -> dict[str, Any]:
    year = document["year"]
    return {
        "version": document["version"],
        "kind": THRESHOLDS,
        "measure": document["measure"],
        "period": {"kind": "LAST_MONTHS", "months": 12} if year is None else {"kind": "YEAR", "year": year},
        "levels": [
            {"id": level["id"], "level": level["code"], "rank": level["position"]}
            | (
                {}
                if level["minimum"] is None
                else {"minimum": level["minimum"], "exclusive": level["exclusive"]}
            )
            for level in document["levels"]
        ],
    }


def _read(
    faults: Faults,
    kind: str,
    document: Mapping[str, Any],
    levels: Mapping[str, RuleLevel],
    measures: Mapping[str, Measure],
    version: int,
) -> GradeRule:
    criteria = _criteria(faults, kind, document, measures)
    measure = None if kind == SCORE else _measure(document, measures)
    ordered = kind == SCORE or (measure is not None and measure.is_ordered)
    if measure is not None and not ordered:
        message = msg("“{measure}” knows no better and worse: let its choices give points of a score.")
        faults.refuse(("measure",), "MEASURE_WITHOUT_ORDER", message, measure=measure.code)
    elif measure is not None and kind == PERCENTILES and measure.choices:
        message = msg(
            "“{measure}” has choices, of which no shares are formed: give the levels by thresholds, or by a score."
        )
        faults.refuse(("measure",), "MEASURE_WITHOUT_ORDER", message, measure=measure.code)
        ordered = False
    known = _DEFAULT_KNOWN if kind == SCORE else WHOLE
    if document.get("minimumKnown") is not None:
        known = faults.whole(document["minimumKnown"], ("minimumKnown",), least=0, most=WHOLE) or 0
    unknown = _level(faults, document.get("unknown"), levels, ("unknown",))
    steps = _steps(faults, kind, document.get("levels"), levels, measure) if ordered else ()
    _check_positions(faults, [*(step.level for step in steps), *([unknown] if unknown else [])])
    return GradeRule(
        version=version,
        kind=kind,
        criteria=criteria,
        steps=steps,
        within=_within(faults, document) if kind == PERCENTILES else None,
        unknown=unknown,
        minimum_known=known,
        guard_days=_guard(faults, document.get("guard")),
    )


def _measure(document: Mapping[str, Any], measures: Mapping[str, Measure]) -> Measure | None:
    """What the levels ask for, known also where something else is wrong with how it is measured."""
    code = document.get("measure")
    return measures.get(code) if isinstance(code, str) else None


def _criteria(
    faults: Faults, kind: str, document: Mapping[str, Any], measures: Mapping[str, Measure]
) -> tuple[Criterion, ...]:
    if kind != SCORE:
        measured = read_measured(faults, document, measures, ())
        return () if measured is None else (Criterion(*measured),)
    path: Path = ("criteria",)
    entries = faults.entries(document.get("criteria"), path, most=_MOST_CRITERIA)
    if not entries:
        faults.refuse(path, "NO_CRITERIA", msg("A score needs criteria."))
        return ()
    read = [read_criterion(faults, entry, measures, (*path, at)) for at, entry in enumerate(entries)]
    found = tuple(criterion for criterion in read if criterion is not None)
    total = sum(criterion.weight for criterion in found)
    if len(found) == len(entries) and total != WHOLE:
        faults.refuse(
            path, "WEIGHTS_DO_NOT_ADD_UP", msg("The weights add up to {total}, not to 100."), total=total
        )
    return found


def _within(faults: Faults, document: Mapping[str, Any]) -> str:
    within = document.get("within", IN_COMPANY)
    if within not in (IN_COMPANY, IN_REGION):
        faults.refuse(
            ("within",), "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), value=str(within)[:50]
        )
    return str(within)


def _guard(faults: Faults, value: object) -> int:
    if value is None:
        return 0
    guard = faults.document(value, ("guard",), {"days"})
    return faults.whole(guard.get("days", 0), ("guard", "days"), least=0, most=_MOST_GUARD_DAYS) or 0


def _level(faults: Faults, code: object, levels: Mapping[str, RuleLevel], path: Path) -> RuleLevel | None:
    """The level of a code, or of a level in the normal form."""
    if code is None:
        return None
    if isinstance(code, Mapping):
        code = code.get("level")
        if code is None:
            faults.refuse(path, "REQUIRED", msg("A value is required."))
            return None
    if not isinstance(code, str) or code not in levels:
        message = msg("The scheme has no level “{level}” in use.")
        faults.refuse(path, "UNKNOWN_LEVEL", message, level=too_long(code))
        return None
    return levels[code]


def _steps(
    faults: Faults, kind: str, value: object, levels: Mapping[str, RuleLevel], measure: Measure | None
) -> tuple[Step, ...]:
    path: Path = ("levels",)
    entries = faults.entries(value, path, most=_MOST_LEVELS)
    before = len(faults.found)
    if not entries and len(faults.found) == before:
        message = msg("The scheme has no levels.")
        if levels:
            message = msg("Say which of its levels the rule gives.")
        faults.refuse(path, "NO_LEVELS", message)
    read = [_step(faults, kind, entry, levels, measure, (*path, at)) for at, entry in enumerate(entries)]
    places = {step.level.code: (*path, at) for at, step in enumerate(read) if step is not None}
    steps = sorted((step for step in read if step is not None), key=lambda step: step.level.rank)
    for code in _twice(step.level.code for step in steps):
        faults.refuse(path, "DUPLICATE_CODE", msg("Two levels have the code “{level}”."), level=code)
    if steps and len(faults.found) == before:  # what follows is said of levels that are right one by one
        if kind == PERCENTILES:
            _check_shares(faults, steps)
        else:
            _check_bounds(faults, steps, measure, places)
    return tuple(steps)


def _check_positions(faults: Faults, levels: Sequence[RuleLevel]) -> None:
    for rank in _twice(level.rank for level in set(levels)):
        if not faults.in_force:
            message = msg("Two levels have the position {position}.")
            faults.refuse(("levels",), "DUPLICATE_POSITION", message, position=rank)


def _step(
    faults: Faults,
    kind: str,
    entry: object,
    levels: Mapping[str, RuleLevel],
    measure: Measure | None,
    path: Path,
) -> Step | None:
    name = bound_name(measure)
    named = {"level", "id", "rank"}
    keys = named | ({"share"} if kind == PERCENTILES else {name, "exclusive"})
    other = "minimum" if name == "maximum" else "maximum"
    mistaken = isinstance(entry, Mapping) and other in entry and name in keys
    document = faults.document(entry, path, keys | {other} if mistaken else keys)
    if not isinstance(entry, Mapping):
        return None
    if mistaken:
        message = msg("“{key}” has no meaning here; what counts here is “{instead}”.")
        faults.refuse((*path, other), "UNKNOWN_KEY", message, key=other, instead=name)
    if document.get("level") is None:
        faults.refuse((*path, "level"), "REQUIRED", msg("A value is required."))
        return None
    level = _level(faults, document["level"], levels, (*path, "level"))
    if level is None:
        return None
    if kind == PERCENTILES:
        return Step(level, share=faults.share(document.get("share"), (*path, "share")))
    bound = document.get(name)
    exclusive = document.get("exclusive", False)
    if not isinstance(exclusive, bool):
        faults.refuse((*path, "exclusive"), "INVALID_FLAG", msg("This must be true or false."))
    step = Step(level, exclusive=bound is not None and exclusive is True)
    if bound is None:
        return step
    return replace(step, bound=_bound(faults, kind, bound, measure, (*path, name)))


def _bound(
    faults: Faults, kind: str, value: object, measure: Measure | None, path: Path
) -> Decimal | str | None:
    if measure is not None and measure.choices:
        if value not in [choice.code for choice in measure.choices]:
            message = msg("“{value}” is not one of the choices.")
            faults.refuse(path, "UNKNOWN_OPTION", message, value=too_long(value))
        return str(value)
    return faults.share(value, path) if kind == SCORE else faults.number(value, path)


def _check_shares(faults: Faults, steps: Sequence[Step]) -> None:
    total = sum((step.share or Decimal(0) for step in steps), Decimal(0))
    if total != WHOLE:
        message = msg("The shares of the levels add up to {total}, not to 100.")
        faults.refuse(("levels",), "SHARES_DO_NOT_ADD_UP", message, total=format(total.normalize(), "f"))


def _check_bounds(
    faults: Faults, steps: Sequence[Step], measure: Measure | None, places: Mapping[str, Path]
) -> None:
    name = bound_name(measure)
    less = name == "maximum"
    *others, last = steps
    if last.bound is not None:
        message = msg("The last level, “{level}”, must take everybody else: leave its minimum empty.")
        if less:
            message = msg("The last level, “{level}”, must take everybody else: leave its maximum empty.")
        faults.refuse((*places[last.level.code], name), "NO_LAST_LEVEL", message, level=last.level.code)
    for step in others:
        if step.bound is None:
            message = msg("Level “{level}” needs a minimum: only the last level takes everybody else.")
            if less:
                message = msg("Level “{level}” needs a maximum: only the last level takes everybody else.")
            faults.refuse(
                (*places[step.level.code], name), "LEVEL_WITHOUT_BOUND", message, level=step.level.code
            )
    for better, worse in pairwise(steps):
        if better.bound is not None and not _above(better, worse, measure):
            message = msg("Level “{better}” must ask for more than level “{worse}” below it.")
            if less:
                message = msg("Level “{better}” must allow less than level “{worse}” below it.")
            codes = {"better": better.level.code, "worse": worse.level.code}
            faults.refuse((*places[better.level.code], name), "THRESHOLDS_OVERLAP", message, **codes)


def _above(better: Step, worse: Step, measure: Measure | None) -> bool:
    """Whether there are figures that only the better level takes, and ``worse`` takes all that it takes."""
    if worse.bound is None:
        return True
    return (_height(better, measure), better.exclusive) > (_height(worse, measure), worse.exclusive)


def _height(step: Step, measure: Measure | None) -> Decimal:
    """How much a bound asks for, the more the higher."""
    if isinstance(step.bound, str):
        codes = [choice.code for choice in measure.choices] if measure is not None else []
        return Decimal(-codes.index(step.bound)) if step.bound in codes else Decimal(0)
    bound = step.bound or Decimal(0)
    return -bound if measure is not None and measure.better == LOWER else bound


def _twice(values: Iterable[object]) -> list[object]:
    return [value for value, count in Counter(values).items() if count > 1]
