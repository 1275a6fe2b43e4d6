"""The company's own fields as records: defined, changed and audited like everything else (A4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue.base import Record, unique_among_living
from kedang_tenants.catalogue.fields import field
from kedang_tenants.catalogue.kinds import (
    ChoiceKind,
    FlagKind,
    IntegerKind,
    LocalisedKind,
    Option,
    TextKind,
    WordsKind,
)


class CustomFieldDefinition(Record):
    """A field that a company adds to a kind of record; its kind never changes, archiving hides it."""

    __tablename__ = "custom_field"
    __prefix__ = "cfd"
    __labels__ = (msg("Custom field"), msg("Custom fields"))
    __key__ = ("record", "key")
    __order__ = ("record", "position")

    record: Mapped[str] = field(
        TextKind(40), label=msg("Kind of record"), required=True, create_only=True, name_level=True
    )
    key: Mapped[str] = field(
        TextKind(40),
        label=msg("Key"),
        required=True,
        create_only=True,
        name_level=True,
        description="lower-case letters, digits and underscores",
    )
    kind: Mapped[str] = field(
        ChoiceKind(
            (
                Option("TEXT", msg("Text")),
                Option("INTEGER", msg("Whole number")),
                Option("DECIMAL", msg("Decimal number")),
                Option("DAY", msg("Date")),
                Option("FLAG", msg("Yes or no")),
                Option("CHOICE", msg("Choice")),
            )
        ),
        label=msg("Kind"),
        required=True,
        create_only=True,
        name_level=True,
    )
    label: Mapped[dict[str, Any]] = field(
        LocalisedKind(100), label=msg("Label"), required=True, name_level=True
    )
    options: Mapped[list[str] | None] = field(
        WordsKind(100, 100), label=msg("Choices"), name_level=True, sort=False
    )
    required: Mapped[bool] = field(
        FlagKind(), label=msg("Required"), required=True, default=False, name_level=True
    )
    position: Mapped[int] = field(
        IntegerKind(0, 1000), label=msg("Position"), required=True, default=0, name_level=True
    )


unique_among_living(CustomFieldDefinition, ("record", "key"))
