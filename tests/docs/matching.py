"""Shown answers and real ones: equal but for what nobody can know beforehand.

A text with "…" stands for a value: what is before the "…" must be its beginning, and where something
follows ("cus_…1") the same text stands for the same value all over the page, another one for another.
"…" alone stands for any value.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_SHORT = re.compile(r"[A-Za-z0-9_:/.+-]*…[A-Za-z0-9]+")
_ID = re.compile(r"[a-z]{2,5}_[0-9a-f]{32}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_OPAQUE = re.compile(r"(?=.*[a-z])(?=.*[0-9A-Z])[A-Za-z0-9_/:.+=?&%-]{25,}")
_BEGINNING = re.compile(r"[a-z]{2,5}_(?:local_)?(?=.{20})|http://|.{4}")
_WIDTH = 100


@dataclass
class Known:
    """What the shortened texts of a page stand for."""

    values: dict[str, str] = field(default_factory=dict)

    def full(self, text: str) -> str:
        """A text of the page with what its shortened parts stand for."""
        return _SHORT.sub(lambda match: self.values.get(match[0], match[0]), text)

    def differences(
        self, shown: Any, found: Any, path: str = "", varying: frozenset[str] = frozenset()
    ) -> list[str]:
        """How the real answer differs from the shown one; what is shortened for the first time is learnt."""
        if isinstance(shown, dict) and isinstance(found, dict):
            if list(shown) != list(found):
                return [f"{path}: shows {list(shown)}, is {list(found)}"]
            return [
                one
                for name in shown
                for one in (
                    self._types(shown[name], found[name], f"{path}.{name}")
                    if name in varying
                    else self.differences(shown[name], found[name], f"{path}.{name}", varying)
                )
            ]
        if isinstance(shown, list) and isinstance(found, list):
            if len(shown) != len(found):
                return [f"{path}: shows {len(shown)} entries, is {found}"]
            return [
                one
                for n, pair in enumerate(zip(shown, found, strict=True))
                for one in self.differences(*pair, f"{path}[{n}]", varying)
            ]
        if shown == found and type(shown) is type(found):
            return []
        if isinstance(shown, str) and "…" in shown and self._stands_for(shown, found):
            return []
        return [f"{path}: shows {shown!r}, is {found!r}"]

    def _types(self, shown: Any, found: Any, path: str) -> list[str]:
        return [] if type(shown) is type(found) else [f"{path}: shows {shown!r}, is {found!r}"]

    def _stands_for(self, shown: str, found: Any) -> bool:
        before, _, name = shown.partition("…")
        if shown == "…":
            return found is not None
        if not isinstance(found, str) or not found.startswith(before):
            return False
        if not name:
            return True
        if shown not in self.values and found in self.values.values():
            return False
        return self.values.setdefault(shown, found) == found

    def shortened(self, found: Any) -> Any:
        """An answer as it may be shown; what is not known yet gets a name."""
        if isinstance(found, dict):
            return {name: self.shortened(value) for name, value in found.items()}
        if isinstance(found, list):
            return [self.shortened(value) for value in found]
        if not isinstance(found, str):
            return found
        for name, value in self.values.items():
            if value == found:
                return name
        if _MOMENT.fullmatch(found):
            return "…"
        if _ID.fullmatch(found) or _OPAQUE.fullmatch(found):
            before = _BEGINNING.match(found)[0]
            number = 1 + sum(name.startswith(f"{before}…") for name in self.values)
            self.values[f"{before}…{number}"] = found
            return f"{before}…{number}"
        return found


def printed(value: Any, indent: int = 0, before: int = 0) -> str:
    """JSON as the guide shows it: on one line what fits there."""
    line = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and value:
        line = "{ " + ", ".join(f"{json.dumps(k)}: {printed(v, -1000)}" for k, v in value.items()) + " }"
    elif isinstance(value, list):
        line = "[" + ", ".join(printed(v, -1000) for v in value) + "]"
    if len(line) + before <= _WIDTH or indent < 0 or not isinstance(value, dict | list) or not value:
        return line
    inside = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [
            f"{inside}{json.dumps(k)}: {printed(v, indent + 2, indent + 6 + len(k))}"
            for k, v in value.items()
        ]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    parts = [f"{inside}{printed(v, indent + 2, indent + 2)}" for v in value]
    return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
