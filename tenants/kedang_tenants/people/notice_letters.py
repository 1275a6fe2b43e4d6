"""What the mails of notices say: one notice at once, or all of a day in one letter (T10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kedang_platform.i18n import Language, msg, translate
from kedang_platform.mail import Letter, Line

LISTED: Final = 50
"""Notices that the letter of a day tells one by one, the oldest first; it counts the others."""
_LINE_LENGTH = 500

_DAY = msg("Notices of {day}: {count}")
_MORE = msg("And further notices: {count}")


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as its member reads it: in their language, with their name."""

    kind: str
    title: str
    body: str
    details: Mapping[str, Any]
    name: str
    language: Language


Letters: TypeAlias = Callable[[Told], Letter]
_letters: dict[str, Letters] = {}


def letter_of(kind: str) -> Callable[[Letters], Letters]:
    """Register what a notice of ``kind`` looks like as a letter of its own; other kinds get the common one.

    Its lines stand one below the other in the letter of the day as well.
    """

    def register(write: Letters) -> Letters:
        _letters[kind] = write
        return write

    return register


def letter_at_once(told: Told) -> Letter:
    """The letter that tells one notice."""
    return _letters.get(told.kind, _common)(told)


def letter_of_the_day(notices: Sequence[Told], *, day: str) -> Letter:
    """The letter that tells all these notices, which are of one member."""
    first = notices[0]
    lines = [line for told in notices[:LISTED] for line in _lines(told)]
    if len(notices) > LISTED:
        lines.append(Line(translate(_MORE, first.language, {"count": len(notices) - LISTED})))
    return Letter(
        subject=_DAY,
        paragraphs=(msg("Hello {name}, this is in your inbox:"),),
        params={"day": day, "count": len(notices), "name": first.name},
        lines=tuple(lines),
    )


def _common(told: Told) -> Letter:
    """The title as subject, and what the body says line by line."""
    said = {f"line_{number}": line for number, line in enumerate(told.body.splitlines()) if line.strip()}
    return Letter(
        subject="{title}",
        paragraphs=(msg("Hello {name},"), *(f"{{{name}}}" for name in said)),
        params={"title": told.title, "name": told.name, **said},
    )


def _lines(told: Told) -> list[Line]:
    own = letter_at_once(told).lines
    return [Line(told.title), *(Line(f"· {line.text}") for line in own)] if own else [Line(_in_short(told))]


def _in_short(told: Told) -> str:
    text = f"{told.title} – {' '.join(told.body.split())}"
    return text if len(text) <= _LINE_LENGTH else text[: _LINE_LENGTH - 1] + "…"
