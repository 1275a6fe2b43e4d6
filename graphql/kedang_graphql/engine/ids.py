"""Public ids: opaque to clients, three letters of the kind and the record's own id."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue

_PREFIX = 3


def public_id(record: str, record_id: UUID) -> str:
    return f"{catalogue().record(record).prefix}_{record_id.hex}"


def record_id(text: object, record: str, *, path: tuple[str | int, ...] = ()) -> UUID:
    """The id inside a public id of one kind; raises NotFound for any other text."""
    found = split_id(text)
    if found is None or found[0] != record:
        raise NotFound(msg("There is no such record."), path=path)
    return found[1]


def record_ids(texts: Iterable[object] | None, record: str, *, path: tuple[str | int, ...]) -> list[UUID]:
    """As ``record_id`` for each; the error names the place in the list."""
    return [record_id(each, record, path=(*path, place)) for place, each in enumerate(texts or ())]


def split_id(text: object) -> tuple[str, UUID] | None:
    """The kind of record and the id that a public id holds; None when it is not one of ours."""
    if not isinstance(text, str) or len(text) != _PREFIX + 33 or text[_PREFIX] != "_":
        return None
    kind = catalogue().by_prefix(text[:_PREFIX])
    try:
        return (kind.name, UUID(hex=text[_PREFIX + 1 :])) if kind else None
    except ValueError:
        return None
