"""What somebody answers to the questions of a version, checked question by question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean
from typing import Final, cast
from uuid import UUID

from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    DecimalKind,
    IntegerKind,
    InvalidValue,
    Kind,
    Option,
    TextKind,
)
from kedang_tenants.surveys.models import CHOICE, DATE, LEVEL, LEVELS, NPS, NUMBER, POINTS, TEXT
from kedang_tenants.surveys.sheets import NOTHING, Item, Rule

LONGEST_TEXT: Final = 2000
"""Characters of a text or a comment."""
COLUMN_OF: Final[Mapping[str, str]] = {
    LEVEL: "level",
    NPS: "number",
    NUMBER: "number",
    CHOICE: "choice",
    DATE: "day",
    TEXT: "text",
}
"""Where the answer to a kind of question is kept; a heading has none."""
_KINDS: Final[Mapping[str, Kind]] = {
    LEVEL: ChoiceKind(LEVELS),
    NPS: IntegerKind(0, 10),
    NUMBER: DecimalKind(),
    DATE: DayKind(),
    TEXT: TextKind(LONGEST_TEXT, multiline=True),
}
_COMMENT: Final = TextKind(LONGEST_TEXT, multiline=True)
_DETRACTOR: Final = 6
_HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said to one question: ``values`` by column (``level``, ``number``, … ``comment``).

    Values are of the columns' own types, or text as it stands in a form where ``as_text`` says so. What
    is not in ``values`` is emptied.
    """

    item_id: UUID
    values: Mapping[str, object] = field(default_factory=dict)
    as_text: bool = False


class AnswersRefused(Refused):
    """Some answers cannot be taken; ``items`` names the question of each error."""

    def __init__(self, errors: list[UserError], items: list[UUID]) -> None:
        super().__init__(errors)
        self.items = items


class _Findings:
    """What is wrong so far, and with which question."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []
        self.items: list[UUID] = []

    def add(self, item_id: UUID, error: UserError) -> None:
        self.errors.append(error)
        self.items.append(item_id)

    def stop(self) -> None:
        if self.errors:
            raise AnswersRefused(self.errors, self.items)


Answers = Mapping[UUID, Mapping[str, object]]


def checked(
    items: Sequence[Item], entries: Sequence[Entry], *, given: Answers, complete: bool = False
) -> dict[UUID, Mapping[str, object]]:
    """All answers as they stand with ``entries`` over what was ``given``: question to its six columns.

    Raises AnswersRefused with everything that is wrong: questions of another version, a question
    answered twice, values that do not fit, and, when it is to be ``complete``, required questions
    that are left open; where none is required, at least one question is answered.
    """
    asked = {item.id: item for item in items}
    findings = _Findings()
    answers = dict(given)
    seen: set[UUID] = set()
    for place, entry in enumerate(entries):
        path = ("input", "entries", place)
        item = asked.get(entry.item_id)
        if item is None or entry.item_id in seen:
            findings.add(entry.item_id, _misplaced(known=item is not None, path=path))
            continue
        seen.add(entry.item_id)
        answers[item.id] = _values(item, entry, path, findings)
        if answers[item.id] == NOTHING:
            del answers[item.id]
    if complete:
        _require(items, answers, findings)
    findings.stop()
    return answers


def _misplaced(*, known: bool, path: tuple[str | int, ...]) -> UserError:
    if known:
        return UserError("TWICE", msg("This question is answered twice."), (*path, "itemId"))
    return UserError("NOT_FOUND", msg("This questionnaire has no such question."), (*path, "itemId"))


def _values(
    item: Item, entry: Entry, path: tuple[str | int, ...], findings: _Findings
) -> Mapping[str, object]:
    values = dict(NOTHING)
    takes = {COLUMN_OF.get(item.kind): _kind_of(item), "comment": _COMMENT if item.commentable else None}
    for column, said in entry.values.items():
        if said is None or (entry.as_text and not str(said).strip()):
            continue
        kind = takes.get(column)
        if kind is None:
            wrong = UserError("NOT_ASKED", msg("This is not asked here."), (*path, column))
            findings.add(item.id, wrong)
            continue
        try:
            values[column] = _read(kind, said, as_text=entry.as_text)
        except InvalidValue as error:
            findings.add(item.id, UserError(error.reason, error.message, (*path, column), error.params))
    return values


def _read(kind: Kind, said: object, *, as_text: bool) -> object:
    reads: Callable[[str], object] = kind.check if isinstance(kind, ChoiceKind | TextKind) else kind.read_text
    if as_text:
        value = reads(str(said).replace("\r\n", "\n"))  # as forms send a line's end
    elif isinstance(kind, IntegerKind) and isinstance(said, Decimal):
        value = kind.read_text(format(said, "f"))
    else:
        value = kind.check(said)
    return Decimal(value) if isinstance(value, int) else value


def _kind_of(item: Item) -> Kind | None:
    if item.kind == CHOICE:
        return ChoiceKind(tuple(Option(offer.code, offer.code) for offer in item.offers))
    return _KINDS.get(item.kind)


def _require(items: Sequence[Item], answers: Answers, findings: _Findings) -> None:
    wrong = set(findings.items)
    asked = [item for item in items if item.kind in COLUMN_OF]
    if asked and not answers and not any(item.required for item in asked) and not wrong:
        nothing = msg("Please answer at least one question.")
        findings.add(asked[0].id, UserError("NOTHING_ANSWERED", nothing, ("input", "entries")))
    for item in asked:
        column = COLUMN_OF[item.kind]
        if not item.required or item.id in wrong:
            continue
        if answers.get(item.id, NOTHING)[column] is None:
            findings.add(
                item.id, UserError("REQUIRED", msg("Please answer this question."), ("input", "entries"))
            )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says in all: the mean of its levels (1 to 5, two digits), its 0 to 10, and whether it is unhappy."""

    satisfaction: Decimal | None
    nps: int | None
    unhappy: bool


def verdict(items: Sequence[Item], answers: Answers, rule: Rule) -> Verdict:
    """Unhappy is whoever gives any question a level of the rule or lower, or where it says so is a detractor."""
    points = [POINTS[str(said["level"])] for said in answers.values() if said["level"] is not None]
    recommends = next(
        (
            int(cast("Decimal", answers[item.id]["number"]))
            for item in items
            if item.kind == NPS and answers.get(item.id, NOTHING)["number"] is not None
        ),
        None,
    )
    low = any(point <= POINTS[rule.at_most] for point in points)
    detracts = rule.detractors and recommends is not None and recommends <= _DETRACTOR
    satisfaction = Decimal(mean(map(Decimal, points))).quantize(_HUNDREDTH, ROUND_HALF_UP) if points else None
    return Verdict(satisfaction, recommends, low or detracts)
