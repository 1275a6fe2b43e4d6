"""What one content of a rule says otherwise than another, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """``path`` leads to the place; ``before`` and ``after`` are JSON, None where there is nothing.

    ``kind`` is ADDED, REMOVED or CHANGED, which tells nothing from a null that is said.
    """

    path: tuple[str | int, ...]
    kind: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every place at which two contents differ, objects by their keys in order, lists place by place."""
    return list(_compare((), before, after))


def _compare(path: tuple[str | int, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _compare((*path, key), before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from _compare((*path, place), _at(before, place), _at(after, place))
    elif before is _ABSENT:
        yield Difference(path, "ADDED", None, after)
    elif after is _ABSENT:
        yield Difference(path, "REMOVED", before, None)
    elif not _same(before, after):
        yield Difference(path, "CHANGED", before, after)


def _at(items: list[Any], place: int) -> Any:
    return items[place] if place < len(items) else _ABSENT


def _same(before: Any, after: Any) -> bool:
    """JSON's own equality, in which ``true`` is not 1."""
    return before == after and isinstance(before, bool) == isinstance(after, bool)
