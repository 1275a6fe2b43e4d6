"""Replacing a person's values wherever they stand in texts, lists and documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

MARK: Final = "[…]"
"""What stands where a value was: the same in every language."""
_SHORTEST_NAME: Final = 2
_SHORTEST_REACH: Final = 5
_LONGEST_SOUGHT: Final = 300


@dataclass(frozen=True, slots=True)
class Sought:
    """A person's values: ``reaches`` (addresses, numbers, ids) are theirs alone, ``names`` may be others' too,
    ``more`` are looked for only in copies that mention the person.
    """

    reaches: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON, to be kept while the erasure runs."""
        return {"reaches": list(self.reaches), "names": list(self.names), "more": list(self.more)}

    @classmethod
    def read(cls, kept: Mapping[str, Sequence[str]]) -> Sought:
        return cls(tuple(kept["reaches"]), tuple(kept["names"]), tuple(kept["more"]))


def sought(*, reaches: Iterable[object], names: Iterable[object], more: Iterable[object]) -> Sought:
    """Values worth looking for: what is too short to tell a person by is left out. Longer ones come first."""
    return Sought(
        reaches=_worth(reaches, _SHORTEST_REACH),
        names=_worth(names, _SHORTEST_NAME),
        more=_worth(more, _SHORTEST_NAME),
    )


def _worth(values: Iterable[object], shortest: int) -> tuple[str, ...]:
    texts = {text for value in values for text in _forms(value) if len(text) >= shortest}
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))


def _forms(value: object) -> Iterable[str]:
    """A value as it stands in texts and as it stands inside of JSON."""
    if value is None:
        return
    text = (value.isoformat() if isinstance(value, date) else str(value)).strip()
    yield text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if escaped != text:
        yield escaped


def pattern_of(values: Iterable[str]) -> str | None:
    """A regular expression that both PostgreSQL and Python read, for any of the values; None where there are none.

    Of long texts the beginning is looked for. Latin names end where words end, so that "Ann" is not in "Annual".
    """
    parts = [_part(value[:_LONGEST_SOUGHT]) for value in values]
    return f"({'|'.join(parts)})" if parts else None


def _part(value: str) -> str:
    # A backslash before any ASCII sign that is neither letter nor digit means the sign itself in both.
    escaped = "".join(
        sign if sign.isalnum() or sign in "_ " or not sign.isascii() else f"\\{sign}" for sign in value
    )
    before = r"(?<![A-Za-z0-9])" if value[0].isascii() and value[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if value[-1].isascii() and value[-1].isalnum() else ""
    return before + escaped + after


class Scrubber:
    """Replaces values by ``MARK``, whatever their case."""

    def __init__(self, values: Iterable[str]) -> None:
        ordered = sorted(set(values), key=lambda text: (-len(text), text))
        self._long = [value for value in ordered if len(value) > _LONGEST_SOUGHT]
        pattern = pattern_of(value for value in ordered if len(value) <= _LONGEST_SOUGHT)
        self._pattern = re.compile(pattern, re.IGNORECASE) if pattern else None

    def text(self, text: str) -> str:
        for value in self._long:
            text = text.replace(value, MARK)
        return self._pattern.sub(MARK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """The same through all of a document."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(each) for name, each in value.items()}
        return value

    def finds(self, text: str) -> bool:
        return self.text(text) != text
