"""The questions of a version as a tree: a heading has finer questions, which have none below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.checking import decoded
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.models import CHOICE, GROUP

COPIED = ("parent_id", "position", "key", "kind", "label", "help", "required", "commentable", "options")
"""What a question takes with it into another version."""
_DOCUMENTS = ("label", "help", "options")
_LANGUAGES = ("en", "zh")


async def items_of(read: TenantRead, version_id: UUID) -> list[dict[str, Any]]:
    """The questions of a version in order, with what is copied of them and their ids."""
    rows = await read.fetch(
        f"SELECT id, {', '.join(COPIED)} FROM survey_item WHERE version_id = $1 AND archived_at IS NULL"
        " ORDER BY position, id",
        version_id,
    )
    return [
        {name: decoded(value) if name in _DOCUMENTS else value for name, value in row.items()} for row in rows
    ]


async def create_items(
    write: TenantWrite, viewer: Viewer, items: Sequence[Mapping[str, object]], *, clock: Clock
) -> None:
    """Create questions whose ids are chosen already: first the headings, which the others refer to."""
    for below in (False, True):
        changes = [
            Change("survey_item", "create", cast("UUID", item["id"]), values=_values(item))
            for item in items
            if (item["parent_id"] is not None) is below
        ]
        await change_internally(write, viewer, changes, clock=clock)


def _values(item: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in item.items() if name != "id"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: what the tree's rule needs of it."""

    id: UUID
    version_id: UUID
    parent_id: UUID | None
    kind: str
    archived: bool


def misplaced(place: Place, places: Mapping[UUID, Place]) -> str | None:
    """Why a question cannot stand where it does, as a msgid; None when it can.

    A question stands under no other, or under a heading of its own version that itself stands under
    none; so no circle can close.
    """
    if place.archived:
        return _OF_ARCHIVED if any(_under(place, other) for other in places.values()) else None
    if place.kind != GROUP and any(_under(place, other) for other in places.values()):
        return msg("Only a heading can have finer questions.")
    if place.parent_id is None:
        return None
    parent = places.get(place.parent_id)
    if parent is None or parent.archived or parent.version_id != place.version_id:
        return msg("The heading belongs to another version.")
    if parent.kind != GROUP or parent.parent_id is not None or place.kind == GROUP:
        return msg("A question stands under a heading, and a heading under nothing.")
    return None


_OF_ARCHIVED = msg("This heading has questions; move or archive these first.")


def _under(place: Place, other: Place) -> bool:
    return other.parent_id == place.id and not other.archived


def faults_of(items: Sequence[Mapping[str, Any]], path: tuple[str | int, ...]) -> Iterator[UserError]:
    """What keeps a version with these questions from being published."""
    if all(item["kind"] == GROUP for item in items):
        yield UserError("NO_QUESTIONS", msg("A questionnaire asks at least one question."), path)
    headings = {item["parent_id"] for item in items}
    for item in items:
        params = {"question": _shown(item)}
        texts = [item["label"], item["help"], *(offer["label"] for offer in item["options"] or ())]
        if not all(in_both(text) for text in texts):
            message = msg("“{question}” is to be said in Chinese and in English.")
            yield UserError("MISSING_LANGUAGE", message, path, params)
        if item["kind"] == CHOICE and len(item["options"] or ()) < 2:
            message = msg("“{question}” is a choice and needs at least two options.")
            yield UserError("NO_OPTIONS", message, path, params)
        if item["kind"] == GROUP and item["id"] not in headings:
            yield UserError("EMPTY_HEADING", msg("There is no question under “{question}”."), path, params)


def in_both(text: Mapping[str, str] | None) -> bool:
    """Whether a text is said in both languages, or not at all."""
    return not text or all(text.get(language) for language in _LANGUAGES)


def _shown(item: Mapping[str, Any]) -> str:
    return next(iter(item["label"].values()), "")
