"""What was compared, and reading a list to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kedang_workers.demo.client import Api


@dataclass(slots=True)
class Findings:
    """What was compared, and what was different."""

    compared: int = 0
    different: list[str] = field(default_factory=list)

    def same(self, what: str, found: object, expected: object) -> bool:
        self.compared += 1
        if found != expected:
            if isinstance(found, dict) and isinstance(expected, dict):
                found, expected = _apart(found, expected), _apart(expected, found)
            self.different.append(f"{what}: found {found!r}, expected {expected!r}")
            return False
        return True


def _apart(these: Mapping[Any, Any], those: Mapping[Any, Any]) -> dict[Any, Any]:
    """What these have and those have not, or have otherwise."""
    return {key: value for key, value in these.items() if key not in those or those[key] != value}


def every(api: Api, query: str, name: str) -> Iterator[Mapping[str, Any]]:
    """Every record of a list, page by page."""
    after: str | None = None
    while True:
        page = api.ask(query, after=after)[name]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
