"""The questions of a sheet as the answer page shows them, and what its form says read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from kedang_graphql.pages.forms import Choice
from kedang_platform.i18n import Language, translate
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.surveys.entries import COLUMN_OF, LONGEST_TEXT, AnswersRefused, Entry
from kedang_tenants.surveys.models import CHOICE, LEVEL, LEVELS, NPS
from kedang_tenants.surveys.sheets import Item, Sheet

_NOBODY = UUID(int=0)
_LONGEST_NUMBER = 4
_SCALE = tuple(Choice(str(number), str(number)) for number in range(11))


@dataclass(frozen=True, slots=True)
class Question:
    """One question with what stands in its fields.

    ``number`` names its fields in the form: ``a3`` takes the answer, ``c3`` the comment. ``choices``
    are there for the kinds that are picked from a list; ``wrong`` is already translated.
    """

    number: int
    depth: int
    kind: str
    label: str
    help: str
    required: bool
    commentable: bool
    choices: Sequence[Choice]
    value: str
    comment: str
    wrong: str
    longest: int = LONGEST_TEXT


def questions_of(
    sheet: Sheet,
    language: Language,
    *,
    typed: Sequence[Entry] = (),
    refused: AnswersRefused | None = None,
) -> list[list[Question]]:
    """The questions in cards, each a question at the top with those that belong to it.

    What was ``typed`` in a form that was refused stands before what is stored.
    """
    shown = {item_id: _as_texts(given) for item_id, given in sheet.given.items()}
    shown |= {entry.item_id: {name: str(said) for name, said in entry.values.items()} for entry in typed}
    wrong = _wrongs(refused, language)
    cards: list[list[Question]] = []
    for number, item in enumerate(sheet.items):
        question = _question(number, item, language, shown.get(item.id, {}), wrong.get(item.id, ""))
        if item.depth == 0 or not cards:
            cards.append([])
        cards[-1].append(question)
    return cards


def _question(number: int, item: Item, language: Language, shown: Mapping[str, str], wrong: str) -> Question:
    return Question(
        number=number,
        depth=item.depth,
        kind=item.kind,
        label=text_in(item.label, language),
        help=text_in(item.help or {}, language),
        required=item.required,
        commentable=item.commentable,
        choices=_choices(item, language),
        value=shown.get(COLUMN_OF.get(item.kind, ""), ""),
        comment=shown.get("comment", ""),
        wrong=wrong,
    )


def _choices(item: Item, language: Language) -> Sequence[Choice]:
    if item.kind == LEVEL:
        return tuple(Choice(option.code, translate(option.label, language)) for option in LEVELS)
    if item.kind == CHOICE:
        return tuple(Choice(offer.code, text_in(offer.label, language)) for offer in item.offers)
    return _SCALE if item.kind == NPS else ()


def _as_texts(given: Mapping[str, object]) -> dict[str, str]:
    return {name: _as_text(value) for name, value in given.items() if value is not None}


def _as_text(value: object) -> str:
    match value:
        case Decimal():
            return decimal_text(value)
        case date():
            return value.isoformat()
    return str(value)


def _wrongs(refused: AnswersRefused | None, language: Language) -> dict[UUID, str]:
    """The first thing that is wrong with each question."""
    wrong: dict[UUID, str] = {}
    if refused is not None:
        for item_id, error in zip(refused.items, refused.errors, strict=True):
            wrong.setdefault(item_id, translate(error.message, language, error.params))
    return wrong


def wrong_by_number(sheet: Sheet, refused: AnswersRefused, language: Language) -> dict[str, str]:
    """What is wrong, by the number of the question."""
    wrong = _wrongs(refused, language)
    return {str(number): wrong[item.id] for number, item in enumerate(sheet.items) if item.id in wrong}


def entries_in(sheet: Sheet, form: Mapping[str, str]) -> list[Entry]:
    """What a form says to the questions whose fields it brings; the others stay as they are.

    A field that the page does not have becomes an entry to a question that nobody asked, and is refused.
    """
    said: dict[int, dict[str, object]] = {}
    for name, text in form.items():
        column, number = name[:1], name[1:]
        if column not in {"a", "c"} or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
            continue
        place = int(number)
        item = sheet.items[place] if place < len(sheet.items) else None
        target = "comment" if column == "c" else COLUMN_OF.get(item.kind, "text") if item else "text"
        said.setdefault(place, {})[target] = text
    return [
        Entry(sheet.items[place].id if place < len(sheet.items) else _NOBODY, values, as_text=True)
        for place, values in sorted(said.items())
    ]
