"""Reading a rule's document piece by piece: every fault is collected with its code and path, none ends the reading."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg

Path: TypeAlias = tuple[str | int, ...]
CONTENT: Final[Path] = ("input", "content")
_LARGEST: Final = Decimal(10**15)
_PLACES: Final = 6
_LONGEST: Final = 100


class Faults:
    """What is wrong with a document, in the order in which it was found.

    ``in_force`` is said of a document that was found right once.
    """

    def __init__(self, *, in_force: bool = False) -> None:
        self.found: list[UserError] = []
        self.in_force = in_force

    def refuse(self, path: Path, code: str, message: str, **params: object) -> None:
        self.found.append(UserError(code, message, (*CONTENT, *path), params))

    def document(self, value: object, path: Path, known: Collection[str]) -> Mapping[str, Any]:
        """A document that has only ``known`` keys; an empty one in place of anything else."""
        if not isinstance(value, Mapping):
            self.refuse(path, "INVALID_DOCUMENT", msg("This must be an object of names and values."))
            return {}
        for key in sorted(str(key) for key in value if key not in known):
            self.refuse(
                (*path, key[:_LONGEST]),
                "UNKNOWN_KEY",
                msg("“{key}” has no meaning here."),
                key=key[:_LONGEST],
            )
        return value

    def entries(self, value: object, path: Path, *, most: int) -> Sequence[object]:
        """A list of at most so many entries; an empty one in place of anything else."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(path, "INVALID_LIST", msg("This must be a list."))
            return []
        if len(value) > most:
            self.refuse(path, "TOO_MANY", msg("At most {limit} entries are allowed here."), limit=most)
            return []
        return value

    def whole(self, value: object, path: Path, *, least: int, most: int) -> int | None:
        """A whole number within bounds, or None with a fault."""
        number = self.number(value, path)
        if number is None:
            return None
        if number != number.to_integral_value():
            self.refuse(path, "INVALID_NUMBER", msg("This must be a whole number."))
            return None
        return int(number) if self._within(number, path, least, most) else None

    def share(self, value: object, path: Path) -> Decimal | None:
        """A percentage from 0 to 100, or None with a fault."""
        number = self.number(value, path)
        return number if number is not None and self._within(number, path, 0, 100) else None

    def number(self, value: object, path: Path) -> Decimal | None:
        """A decimal of at most six places below 10^15, written as a number or a text; None with a fault."""
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            self.refuse(path, "INVALID_NUMBER", msg("This must be a number."))
            return None
        try:
            number = Decimal(str(value)[:_LONGEST])
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) > _LARGEST:
            self.refuse(path, "INVALID_NUMBER", msg("This must be a number."))
            return None
        if number != round(number, _PLACES):
            self.refuse(
                path, "TOO_MANY_PLACES", msg("At most {limit} decimal places are allowed."), limit=_PLACES
            )
            return None
        return number

    def _within(self, number: Decimal, path: Path, least: int, most: int) -> bool:
        if least <= number <= most:
            return True
        message = msg("This must lie between {minimum} and {maximum}.")
        self.refuse(path, "OUT_OF_RANGE", message, minimum=least, maximum=most)
        return False
