"""A draft: one change on its way to the database, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from kedang_platform.errors import UserError
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing.requests import Action, Change


@dataclass(slots=True)
class Draft:
    """``old`` is the row as it stood when it was locked (None for a new record), ``values`` what to write."""

    record: RecordType
    change: Change
    id: UUID
    old: Mapping[str, object] | None = None
    values: dict[str, object] = field(default_factory=dict)
    errors: list[UserError] = field(default_factory=list)

    @property
    def action(self) -> Action:
        return self.change.action

    @property
    def refused(self) -> bool:
        return bool(self.errors)

    def now(self, name: str) -> object:
        """The value that a column will have."""
        if name in self.values:
            return self.values[name]
        return None if self.old is None else self.old.get(name)

    def refuse(self, field_name: str | None, code: str, message: str, **params: object) -> None:
        """Note one thing that is wrong; ``field_name`` is the field at fault, None for the whole record."""
        path = self.change.path
        if field_name is not None:
            found = self.record.fields.get(field_name)
            path = (*path, found.api_name if found else field_name)
        self.errors.append(UserError(code, message, path, params))
