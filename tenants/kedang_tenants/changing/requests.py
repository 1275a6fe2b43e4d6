"""What is to be changed, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

Action = Literal["create", "update", "archive", "restore"]


class OwnFields(dict[str, object]):
    """The company's own fields by their key, as an input gives them under ``custom``; errors are told there.

    ``beside`` is what the same input gives under ``customFields``, where nothing may stand then.
    """

    told_as: Final = "custom"

    def __init__(self, values: Mapping[str, object], *, beside: object = None) -> None:
        super().__init__(values)
        self.beside = beside


@dataclass(frozen=True, slots=True)
class Change:
    """One record to create, update, archive or restore.

    ``values`` maps field names to values of the API's kinds; what is not in it stays as it is, None
    empties. ``custom`` does the same for the company's own fields by their key. ``version`` is the
    one the caller last saw; without it the last write wins. ``path`` begins the path of every error.
    """

    record: str
    action: Action
    id: UUID | None = None
    version: int | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    custom: Mapping[str, object] = field(default_factory=dict)
    path: tuple[str | int, ...] = ("input",)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change: the record's id and version, and which fields differ now."""

    record: str
    action: Action
    id: UUID
    version: int
    changes: Mapping[str, tuple[object, object]]
