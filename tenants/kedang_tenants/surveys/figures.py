"""What an analysis says: figures of whole groups of answers, counted up from rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self
from uuid import UUID

from kedang_tenants.catalogue.languages import translated
from kedang_tenants.surveys.models import CHOICE, LEVEL, LEVELS, NPS, NUMBER, POINTS
from kedang_tenants.surveys.statistics import NetPromoterScore, Share, net_promoter_score, share

Texts = Mapping[str, str]
"""A text as the catalogue keeps it, by ``en`` and ``zh``; ``text_in`` says it in a language."""
_LEVEL_CODES = tuple(option.code for option in LEVELS)
_SATISFIED = _LEVEL_CODES[:3]
_TOP_TWO = _LEVEL_CODES[:2]
_PROMOTERS_FROM, _PASSIVES_FROM = 9, 7


@dataclass(frozen=True, slots=True)
class Participation:
    """What became of invitations: ``delivered`` are the sent ones that did not bounce, ``response`` the answered of these."""

    sent: int
    bounced: int
    delivered: int
    answered: int
    response: Share


@dataclass(frozen=True, slots=True)
class Count:
    """How often a level or an option was chosen, and its share (0 to 1) of the item's answers."""

    code: str
    label: Texts
    count: int
    share: float | None


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """Answers on the five levels.

    ``mean`` counts 5 for very satisfied to 1 for not satisfied. ``top_two`` is the top-two-box share,
    the usual measure on five points (Sauro and Lewis, Quantifying the User Experience, 2nd ed. 2016):
    very and fairly satisfied. ``satisfied`` adds the basically satisfied: of these levels, unlike those
    of a scale with a neutral middle, the upper three all call themselves satisfied (满意率).
    """

    distribution: tuple[Count, ...]
    mean: float | None
    satisfied: Share
    top_two: Share


@dataclass(frozen=True, slots=True)
class NumberFigures:
    mean: float | None
    least: Decimal | None
    most: Decimal | None


@dataclass(frozen=True, slots=True)
class Item:
    """A question, the same in all versions that have one of this key and kind; texts are the latest version's."""

    id: UUID
    key: str
    kind: str
    label: Texts
    heading: Texts | None
    options: tuple[tuple[str, Texts], ...] = ()


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """What was answered to a question; of the four kinds of figures those that its kind has.

    ``n`` is how many answered it; what was left open, and a comment alone, counts nowhere.
    """

    item: Item
    n: int
    levels: LevelFigures | None = None
    nps: NetPromoterScore | None = None
    choices: tuple[Count, ...] | None = None
    numbers: NumberFigures | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is said of a group of invitations and answers.

    ``satisfaction`` is the mean over the ``rated`` answers of each one's mean level (1 to 5); ``unhappy``
    the share of answers that are, by the questionnaire's rule; ``nps`` that of the answers as wholes.
    """

    participation: Participation
    answers: int
    rated: int
    satisfaction: float | None
    unhappy: Share
    nps: NetPromoterScore
    items: tuple[ItemFigures, ...]


@dataclass(slots=True)
class Sent:
    sent: int = 0
    bounced: int = 0
    answered: int = 0

    def __iadd__(self, other: Sent) -> Self:
        self.sent += other.sent
        self.bounced += other.bounced
        self.answered += other.answered
        return self

    def told(self) -> Participation:
        delivered = self.sent - self.bounced
        return Participation(
            self.sent, self.bounced, delivered, self.answered, share(self.answered, delivered)
        )


@dataclass(slots=True)
class Given:
    """Answers as wholes, counted; ``rated`` have a mean level, of which ``points`` is the sum."""

    answers: int = 0
    rated: int = 0
    points: Decimal = Decimal(0)
    unhappy: int = 0
    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    def __iadd__(self, other: Given) -> Self:
        self.answers += other.answers
        self.rated += other.rated
        self.points += other.points
        self.unhappy += other.unhappy
        self.promoters += other.promoters
        self.passives += other.passives
        self.detractors += other.detractors
        return self


@dataclass(slots=True)
class Tally:
    """The answers to one question: how often each level, option or score was given, and the numbers."""

    n: int = 0
    chosen: Counter[str] = field(default_factory=Counter)
    total: Decimal = Decimal(0)
    least: Decimal | None = None
    most: Decimal | None = None

    def count(self, code: str | None, n: int) -> None:
        self.n += n
        if code is not None:
            self.chosen[code] += n

    def measure(self, total: Decimal, least: Decimal, most: Decimal) -> None:
        self.total += total
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def __iadd__(self, other: Tally) -> Self:
        self.n += other.n
        self.chosen.update(other.chosen)
        if other.least is not None and other.most is not None:
            self.measure(other.total, other.least, other.most)
        return self

    def told(self, item: Item) -> ItemFigures:
        return ItemFigures(
            item,
            self.n,
            levels=self._levels() if item.kind == LEVEL else None,
            nps=self._nps() if item.kind == NPS else None,
            choices=self._choices(item) if item.kind == CHOICE else None,
            numbers=self._numbers() if item.kind == NUMBER else None,
        )

    def _levels(self) -> LevelFigures:
        points = sum(POINTS[code] * count for code, count in self.chosen.items())
        return LevelFigures(
            self._counts((option.code, translated(option.label)) for option in LEVELS),
            _ratio(points, self.n),
            satisfied=share(sum(self.chosen[code] for code in _SATISFIED), self.n),
            top_two=share(sum(self.chosen[code] for code in _TOP_TWO), self.n),
        )

    def _nps(self) -> NetPromoterScore:
        scores = {int(code): count for code, count in self.chosen.items()}
        promoters = sum(count for score, count in scores.items() if score >= _PROMOTERS_FROM)
        detractors = sum(count for score, count in scores.items() if score < _PASSIVES_FROM)
        return net_promoter_score(promoters, self.n - promoters - detractors, detractors)

    def _choices(self, item: Item) -> tuple[Count, ...]:
        """Options in their order, then those that only earlier versions offered, by their codes."""
        known = dict(item.options)
        gone = sorted(code for code in self.chosen if code not in known)
        return self._counts([*item.options, *((code, {"en": code, "zh": code}) for code in gone)])

    def _numbers(self) -> NumberFigures:
        return NumberFigures(_ratio(self.total, self.n), self.least, self.most)

    def _counts(self, options: Iterable[tuple[str, Texts]]) -> tuple[Count, ...]:
        return tuple(
            Count(code, label, self.chosen[code], _ratio(self.chosen[code], self.n))
            for code, label in options
        )


@dataclass(slots=True)
class Counted:
    """Everything counted in one group; groups of a whole add up to it."""

    sent: Sent = field(default_factory=Sent)
    given: Given = field(default_factory=Given)
    items: dict[str, Tally] = field(default_factory=dict)

    def tally(self, key: str) -> Tally:
        return self.items.setdefault(key, Tally())

    def __iadd__(self, other: Counted) -> Self:
        self.sent += other.sent
        self.given += other.given
        for key, tally in other.items.items():
            mine = self.tally(key)
            mine += tally
        return self

    def told(self, items: Sequence[Item]) -> Figures:
        given = self.given
        return Figures(
            participation=self.sent.told(),
            answers=given.answers,
            rated=given.rated,
            satisfaction=_ratio(given.points, given.rated),
            unhappy=share(given.unhappy, given.answers),
            nps=net_promoter_score(given.promoters, given.passives, given.detractors),
            items=tuple(self.tally(tally_key(item)).told(item) for item in items),
        )


def tally_key(item: Item) -> str:
    """What answers to the same question in different versions are counted under."""
    return f"{item.kind}:{item.key}"


def _ratio(part: Decimal | int, whole: int) -> float | None:
    return float(part / whole) if whole else None
