"""One SQL statement in the making: its text with ``$n`` places, and the values that go there."""

from __future__ import annotations

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg

MOST_VALUES = 32_767  # what PostgreSQL's protocol counts in 16 bits, as the driver takes it


class Statement:
    """Collects the values of a statement; the same value object is bound once."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._places: dict[int, str] = {}
        self._aliases = 0

    def bind(self, value: object) -> str:
        """The place of ``value`` in the text; raises BadUserInput for more values than a statement can hold."""
        place = self._places.get(id(value))
        if place is None:
            if len(self.values) >= MOST_VALUES:
                raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=MOST_VALUES)
            self.values.append(value)
            place = self._places[id(value)] = f"${len(self.values)}"
        return place

    def alias(self) -> str:
        """A table alias that nobody else in this statement has."""
        self._aliases += 1
        return f"t{self._aliases}"


def quoted(name: str) -> str:
    """A name of the catalogue as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
