"""Values as JSON has them, looked through however deep they lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Steps = tuple[str | int, ...]


def unkeepable(value: object) -> Steps | None:
    """Where the first text stands that no JSON of the database keeps, None where all of them can be kept.

    A name of an object's that cannot be kept is told by the place of the object.
    """
    waiting: list[tuple[Steps, object]] = [((), value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, str) and not keepable(found):
            return place
        if isinstance(found, Mapping) and not all(keepable(str(name)) for name in found):
            return place
        waiting.extend(reversed(list(_inside(place, found))))
    return None


def keepable(text: str) -> bool:
    """Whether PostgreSQL keeps a text: it has no NUL (U+0000) and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _inside(place: Steps, value: object) -> Iterator[tuple[Steps, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (*place, str(name)), inner
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield (*place, at), inner
