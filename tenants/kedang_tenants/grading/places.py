"""The values of a statement in the making, each with the type that PostgreSQL is to read it as."""

from __future__ import annotations

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.reading.statement import MOST_VALUES


class Places:
    """Collects values; the same value of the same type has one place."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._places: dict[tuple[str, object], str] = {}

    def bind(self, value: object, kind: str) -> str:
        """The place of ``value`` in the text, of the SQL type ``kind``; raises BadUserInput for too many values."""
        key = (kind, tuple(value) if isinstance(value, list) else value)
        if key not in self._places:
            if len(self.values) >= MOST_VALUES:
                raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=MOST_VALUES)
            self.values.append(value)
            self._places[key] = f"${len(self.values)}::{kind}"
        return self._places[key]

    def typed(self) -> str:
        """All places with their types, for a statement that leaves some of them out: PostgreSQL asks what they are."""
        return ", ".join(self._places.values())
