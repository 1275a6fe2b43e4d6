"""Why a customer has its grade, as SQL over a verdict: the figures as a document, and the words of both languages (G3).

A sentence is a translated msgid whose placeholders are SQL; what it says besides is bound as text. Figures of
sensitive measures stand in a document of their own; words and the document for everybody name only their points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from string import Formatter

from kedang_platform.i18n import Language, msg, translate
from kedang_platform.money import minor_digits
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.catalogue.languages import in_our_languages, text_in
from kedang_tenants.grading.fact_gathering import Gathering
from kedang_tenants.grading.measures import CHOICE, DAYS, LOWER, MONEY, PERCENT, Measure, texts
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import PERCENTILES, SCORE, Criterion, GradeRule, Step


@dataclass(frozen=True, slots=True)
class Kept:
    """SQL over ``j``: whether the guard against swinging keeps a customer's level, its code, and the day until then."""

    when: str
    level: str
    until: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the expressions are made of: the rule, how its verdicts were worked out, and whom a guard keeps."""

    rule: GradeRule
    currency: str
    gathering: Gathering
    places: Places
    kept: Kept | None = None

    @property
    def criteria(self) -> list[tuple[int, Criterion]]:
        return list(enumerate(self.rule.criteria, start=1))


def values(told: Told) -> str:
    """What the verdict rests on, as one array to be compared: another one means that something has moved."""
    open_ones = [f"j.v{n}" for n, criterion in told.criteria if criterion.measure.sensitivity is None]
    rest = ["j.ahead", "j.compared"] if told.rule.kind == PERCENTILES else ["j.score"]
    beside = ["j.beside"] if _beside(told) else []
    return f"jsonb_build_array({', '.join([*open_ones, *beside, *rest])})"


def withheld(told: Told) -> str:
    """The figures of sensitive measures by their code; NULL where the rule has none."""
    pairs = [
        f"{told.places.bind(criterion.measure.code, 'text')}, j.v{n}"
        for n, criterion in told.criteria
        if criterion.measure.sensitivity is not None
    ]
    return f"jsonb_build_object({', '.join(pairs)})" if pairs else "NULL::jsonb"


def _beside(told: Told) -> bool:
    return told.rule.kind != SCORE and told.rule.criteria[0].measure.beside is not None


def figures(told: Told) -> str:
    """The document that a grade keeps of how it came about."""
    bind, rule = told.places.bind, told.rule
    codes = bind([level.code for level in rule.levels], "text[]")
    pairs = {
        "version": f"{rule.version}",
        "kind": bind(rule.kind, "text"),
        "level": f"({codes})[j.place]",
        "currency": bind(told.currency, "text"),
        "values": values(told),
    }
    if rule.kind == SCORE:
        pairs |= {"score": "j.score", "known": "j.known", "parts": _parts(told)}
    else:
        pairs |= _measured(told, 1, rule.criteria[0])
        pairs |= {"orders": "j.beside"} if _beside(told) else {}
        pairs |= _compared(told) if rule.kind == PERCENTILES else _bounds(told)
    if told.kept is None:
        return _object(told, pairs)
    held = _object(told, {"held": _object(told, {"level": told.kept.level, "until": told.kept.until})})
    return f"({_object(told, pairs)} || CASE WHEN {told.kept.when} THEN {held} ELSE '{{}}' END)"


def _object(told: Told, pairs: Mapping[str, str]) -> str:
    inside = ", ".join(f"{told.places.bind(name, 'text')}, {value}" for name, value in pairs.items())
    return f"jsonb_build_object({inside})"


def _measured(told: Told, number: int, criterion: Criterion) -> dict[str, str]:
    pairs = {"measure": told.places.bind(criterion.measure.code, "text")}
    if criterion.measure.sensitivity is None:
        pairs["value"] = f"j.v{number}"
    if criterion.period is not None:
        first, last = told.gathering.told_edges(criterion, number)
        pairs |= {"from": first, "until": f"{last} + 1"}
    return pairs


def _bounds(told: Told) -> dict[str, str]:
    steps = told.rule.steps
    name = "maximum" if told.rule.criteria[0].measure.better == LOWER else "minimum"
    bounds = [None if step.bound is None else _plain(step.bound) for step in steps]
    exclusive = [step.exclusive for step in steps]
    return {
        name: f"({told.places.bind(bounds, 'text[]')})[j.place]",
        "exclusive": f"({told.places.bind(exclusive, 'bool[]')})[j.place]",
    }


def _plain(bound: Decimal | str) -> str:
    return bound if isinstance(bound, str) else decimal_text(bound)


def _compared(told: Told) -> dict[str, str]:
    return {
        "within": told.places.bind(told.rule.within, "text"),
        "ahead": "j.ahead",
        "compared": "j.compared",
    }


def _parts(told: Told) -> str:
    parts = [
        _object(
            told,
            {
                **_measured(told, number, criterion),
                "points": f"j.p{number}",
                "weight": str(criterion.weight),
                "share": _share(number, criterion),
            },
        )
        for number, criterion in told.criteria
    ]
    return f"jsonb_build_array({', '.join(parts)})"


def _share(number: int, criterion: Criterion) -> str:
    """What a criterion adds to the score: its points by its weight among those known."""
    return f"round(j.p{number}::numeric * {criterion.weight} / j.known, 2)"


def explanation(told: Told) -> str:
    """The words of each of our languages, as the catalogue keeps them."""
    said = in_our_languages(lambda language: _Words(told, language).whole())
    pairs = [f"{told.places.bind(key, 'text')}, {text}" for key, text in said.items()]
    return f"jsonb_build_object({', '.join(pairs)})"


_FROM_TO = msg("{measure} from {first} to {last}: {value}.")
_FROM_TO_ORDERS = msg("{measure} from {first} to {last}: {value}, orders: {orders}.")
_MEASURED = msg("{measure}: {value}.")
_NOT_TOLD = msg("{measure}: not shown here.")
_UNKNOWN = msg("unknown")
_RANKED = msg("At least as good: {ahead} of {compared} customers.")
_SCORED = msg("Score {score} of 100, with {known} % of the weight known.")
_PART = msg("{measure} from {first} to {last}: {value}, {points} points × {weight}/{known} = {share}.")
_PART_NOW = msg("{measure}: {value}, {points} points × {weight}/{known} = {share}.")
_PART_HIDDEN = msg("{measure}: {points} points × {weight}/{known} = {share}.")
_PART_UNKNOWN = msg("{measure}: unknown, left out.")
_NO_LEVEL = msg("Too little is known for a level.")
_UNKNOWN_LEVEL = msg("Too little is known: level {level}.")
_NOT_GRADED = msg("Only buyers and dealers are graded.")
_REST = msg("Level {level} takes everybody below the other levels.")
_AT_LEAST = msg("Level {level} takes at least {bound}.")
_MORE_THAN = msg("Level {level} takes more than {bound}.")
_AT_MOST = msg("Level {level} takes at most {bound}.")
_LESS_THAN = msg("Level {level} takes less than {bound}.")
_BEST = msg("Level {level} takes the best {bound} %.")
_KEPT = msg("The guard against swinging keeps level {level} until {until}.")
_VERSION = msg("Version {version} of the rule.")
_DAYS = msg("{number} days")
_PERCENT = msg("{number} %")


class _Words:
    """The sentences of one language."""

    def __init__(self, told: Told, language: Language) -> None:
        self._told = told
        self._language = language
        self._between = self._text(" " if language == "en" else "")

    def whole(self) -> str:
        rule = self._told.rule
        if rule.kind == SCORE:
            head = self._sentence(_SCORED, score=_plain_number("j.score"), known="j.known::text")
            scored = f"CASE WHEN j.score IS NULL THEN {self._text('')} ELSE {head} || {self._between} END"
            parts = [self._part(number, criterion) for number, criterion in self._told.criteria]
            return self._concat(
                [scored, self._level(), *self._spaced(parts), *self._spaced([self._version()])]
            )
        head = self._head(rule.criteria[0])
        ranked = [self._ranked()] if rule.kind == PERCENTILES else []
        level = [*self._spaced([*ranked, self._level()]), *self._kept()]
        return self._concat([head, *level, *self._spaced([self._version()])])

    def _kept(self) -> list[str]:
        kept = self._told.kept
        if kept is None:
            return []
        said = self._sentence(_KEPT, level=kept.level, until=f"{kept.until}::text")
        return [f"CASE WHEN {kept.when} THEN {self._between} || {said} END"]

    def _spaced(self, sentences: list[str]) -> list[str]:
        return [piece for sentence in sentences for piece in (self._between, sentence)]

    def _concat(self, pieces: list[str]) -> str:
        return f"concat({', '.join(pieces)})"

    def _text(self, text: str) -> str:
        return self._told.places.bind(text, "text")

    def _sentence(self, msgid: str, **places: str) -> str:
        """A translated sentence with SQL in its places."""
        pieces = []
        for text, name, _, _ in Formatter().parse(translate(msgid, self._language)):
            if text:
                pieces.append(self._text(text))
            if name is not None:
                pieces.append(places[name])
        return self._concat(pieces)

    def _label(self, measure: Measure) -> str:
        return self._text(text_in(texts(measure.label), self._language))

    def _head(self, criterion: Criterion) -> str:
        label, measure = self._label(criterion.measure), criterion.measure
        if measure.sensitivity is not None:
            return self._sentence(_NOT_TOLD, measure=label)
        value = self._value(measure, 1)
        if criterion.period is None:
            return self._sentence(_MEASURED, measure=label, value=value)
        first, last = self._edges(criterion, 1)
        places = {"measure": label, "first": first, "last": last, "value": value}
        if measure.beside:
            return self._sentence(_FROM_TO_ORDERS, **places, orders="j.beside::text")
        return self._sentence(_FROM_TO, **places)

    def _part(self, number: int, criterion: Criterion) -> str:
        measure = criterion.measure
        label = self._label(measure)
        places = {
            "measure": label,
            "points": _plain_number(f"j.p{number}"),
            "weight": f"{self._text(str(criterion.weight))}",
            "known": "j.known::text",
            "share": _plain_number(_share(number, criterion)),
        }
        if measure.sensitivity is not None:
            known = self._sentence(_PART_HIDDEN, **places)
        elif criterion.period is None:
            known = self._sentence(_PART_NOW, **places, value=self._value(measure, number))
        else:
            first, last = self._edges(criterion, number)
            value = self._value(measure, number)
            known = self._sentence(_PART, **places, value=value, first=first, last=last)
        unknown = self._sentence(_PART_UNKNOWN, measure=label)
        return f"CASE WHEN j.p{number} IS NULL THEN {unknown} ELSE {known} END"

    def _edges(self, criterion: Criterion, number: int) -> tuple[str, str]:
        first, last = self._told.gathering.told_edges(criterion, number)
        return f"{first}::text", f"{last}::text"

    def _ranked(self) -> str:
        said = self._sentence(_RANKED, ahead="j.ahead::text", compared="j.compared::text")
        return f"CASE WHEN j.v1 IS NOT NULL THEN {said} END"

    def _version(self) -> str:
        return self._text(translate(_VERSION, self._language, {"version": self._told.rule.version}))

    def _level(self) -> str:
        """What the level asks for: a text for each place, and one for those without a level."""
        rule = self._told.rule
        said = [self._asks(step, number) for number, step in enumerate(rule.steps)]
        missing = translate(_NO_LEVEL, self._language)
        if rule.unknown is not None:
            missing = translate(_UNKNOWN_LEVEL, self._language, {"level": rule.unknown.code})
        if len(rule.levels) > len(rule.steps):
            said.append(missing)
        by_place = f"({self._told.places.bind(said, 'text[]')})[j.place]"
        unknown = (
            f"j.known IS NULL OR j.known < {rule.minimum_known}" if rule.kind == SCORE else "j.v1 IS NULL"
        )
        not_graded = self._text(translate(_NOT_GRADED, self._language))
        return (
            f"CASE WHEN NOT j.gradable THEN {not_graded}"
            f" WHEN j.place IS NULL OR {unknown} THEN {self._text(missing)} ELSE {by_place} END"
        )

    def _asks(self, step: Step, number: int) -> str:
        rule = self._told.rule
        if number == len(rule.steps) - 1:
            return translate(_REST, self._language, {"level": step.level.code})
        if rule.kind == PERCENTILES:
            best = sum((other.share or Decimal(0) for other in rule.steps[: number + 1]), Decimal(0))
            return translate(_BEST, self._language, {"level": step.level.code, "bound": decimal_text(best)})
        measure = None if rule.kind == SCORE else rule.criteria[0].measure
        less = measure is not None and measure.better == LOWER
        if less:
            msgid = _LESS_THAN if step.exclusive else _AT_MOST
        else:
            msgid = _MORE_THAN if step.exclusive else _AT_LEAST
        params = {"level": step.level.code, "bound": self._bound(measure, step)}
        return translate(msgid, self._language, params)

    def _bound(self, measure: Measure | None, step: Step) -> str:
        if isinstance(step.bound, str):
            choices = measure.choices if measure is not None else ()
            labels = {choice.code: choice.label for choice in choices}
            return text_in(texts(labels[step.bound]), self._language)
        number = f"{Decimal(decimal_text(step.bound or Decimal(0))):,f}"
        if measure is None:
            return number
        if measure.unit == MONEY:
            return f"{number} {self._told.currency}"
        return self._with_unit(measure, number)

    def _with_unit(self, measure: Measure, number: str) -> str:
        msgid = {DAYS: _DAYS, PERCENT: _PERCENT}.get(measure.unit)
        return translate(msgid, self._language, {"number": number}) if msgid else number

    def _value(self, measure: Measure, number: int) -> str:
        value = f"j.v{number}"
        return f"coalesce({self._written(measure, value)}, {self._text(translate(_UNKNOWN, self._language))})"

    def _written(self, measure: Measure, value: str) -> str:
        if measure.unit == MONEY:
            digits = minor_digits(self._told.currency)
            mask = self._text("FM999,999,999,999,999,990" + ("." + "0" * digits if digits else ""))
            amount = f"{value} / {10**digits}.0" if digits else f"{value}::numeric"
            return f"to_char({amount}, {mask}) || {self._text(' ' + self._told.currency)}"
        if measure.unit == CHOICE:
            codes = self._told.places.bind([choice.code for choice in measure.choices], "text[]")
            labels = [text_in(texts(choice.label), self._language) for choice in measure.choices]
            said = self._told.places.bind(labels, "text[]")
            return f"coalesce(({said})[array_position({codes}, {value})], {value})"
        msgid = {DAYS: _DAYS, PERCENT: _PERCENT}.get(measure.unit)
        plain = _plain_number(value)
        return (
            f"CASE WHEN {value} IS NOT NULL THEN {self._sentence(msgid, number=plain)} END"
            if msgid
            else plain
        )


def _plain_number(value: str) -> str:
    return f"trim_scale({value}::numeric)::text"
