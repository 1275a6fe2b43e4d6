"""The base of every record: what all of them have, and the registry that migrations and the catalogue read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, MetaData, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue.fields import FieldSpec, field
from kedang_tenants.catalogue.kinds import ChoiceKind, DocumentKind, InstantKind, IntegerKind

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

AMONG_LIVING = "among_living"
"""Marks the unique indexes whose values a change checks before it writes."""


class Base(DeclarativeBase):
    """Everything that stands in a company's schema; the tables carry no schema name (design 2)."""

    metadata = MetaData(naming_convention=NAMING)


class Record(Base):
    """A record of the company's archive.

    Class attributes that a model may set:

    ``__record__``
        its name in the catalogue; the table's name by default.
    ``__prefix__``
        three letters that begin its public ids.
    ``__labels__``
        what people call one and several.
    ``__plural__``
        its plural in the API where adding an "s" is wrong.
    ``__owner__``
        the path to the member who owns it: names of to-one relations, then a column.
        Over a to-many relation whoever stands at the end of any of its records owns it.
    ``__co_owners__``
        further such paths: whoever stands at the end of any of them owns it as well.
    ``__follows__``
        the column with the public id of a record of any kind: whoever sees that record sees this one,
        and nobody else; its own owner counts where the column is empty.
    ``__restricts__``
        the column that says that this archive is closed, and all that lies below it (A11).
    ``__about__``
        the column with the public id of the record that this one tells of: closed with that one.
    ``__apart__``
        true for what refers to an archive without lying below it: it is not closed with it.
    ``__key__``
        the natural key by which an import finds it again.
    ``__brings__``
        names of to-many relations whose records may be created with it, in the same input.
    ``__order__``
        the default order of its lists.
    ``__actions__``
        what the generic mutations offer.
    """

    __abstract__ = True
    __record__: ClassVar[str | None] = None
    __prefix__: ClassVar[str]
    __labels__: ClassVar[tuple[str, str]]
    __plural__: ClassVar[str | None] = None
    __owner__: ClassVar[tuple[str, ...]] = ()
    __co_owners__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    __follows__: ClassVar[str | None] = None
    __restricts__: ClassVar[str | None] = None
    __about__: ClassVar[str | None] = None
    __apart__: ClassVar[bool] = False
    __key__: ClassVar[tuple[str, ...]] = ()
    __brings__: ClassVar[tuple[str, ...]] = ()
    __order__: ClassVar[tuple[str, ...]] = ("id",)
    __actions__: ClassVar[frozenset[str]] = frozenset({"create", "update", "archive", "restore"})

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = field(
        IntegerKind(), label=msg("Version"), required=True, default=1, read_only=True, name_level=True
    )
    created_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Created at"), required=True, read_only=True, name_level=True
    )
    updated_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Updated at"), required=True, read_only=True, name_level=True
    )
    archived_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Archived at"), read_only=True, name_level=True
    )
    custom: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Custom fields"), required=True, default=dict, hidden=True
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__table__" in cls.__dict__ or hasattr(cls, "__table__"):
            declare_constraints(cls)


class Searchable:
    """Mixed into records that the full-text search finds (GROUND's tokens, design 3)."""

    name_sort: Mapped[str | None] = mapped_column(Text(collation="C"))
    search_text: Mapped[str | None] = mapped_column(Text(collation="C"))
    search_tokens: Mapped[list[str] | None] = mapped_column(ARRAY(Text(collation="C")))


def declare_constraints(cls: type[Record]) -> None:
    """Give the table what the fields promise: checked choices, partial unique values, search indexes."""
    table = cls.__table__
    for name in list(table.columns.keys()):
        _declare_column_constraints(cls, name)
    if "search_tokens" in table.columns:
        name = f"ix_{cls.__tablename__}_search_tokens"
        Index(name, table.c.search_tokens, postgresql_using="gin")


def _declare_column_constraints(cls: type[Record], name: str) -> None:
    table = cls.__table__
    column = table.columns[name]
    spec = column.info.get("field")
    if isinstance(spec, FieldSpec) and isinstance(spec.kind, ChoiceKind):
        codes = ", ".join(f"'{option.code}'" for option in spec.kind.options)
        table.append_constraint(CheckConstraint(text(f"{name} IN ({codes})"), name=name))  # type: ignore[attr-defined]
    if column.info.get("unique"):
        unique_among_living(cls, (name,))


def contribute(model: type[Record], name: str, attribute: Any) -> None:
    """Add a ``field`` or a ``relation`` of a higher feature to a lower record (design 1).

    Called by the higher feature's ``models.py`` while it is imported; from then on it is a field of
    the record like any other. Raises ``ValueError`` where the record has that attribute already.
    """
    if hasattr(model, name):
        raise ValueError(f"{model.__name__} has {name} already")
    setattr(model, name, attribute)
    if name in model.__table__.columns:
        model.__table__.columns[name].info["contributed"] = True
        _declare_column_constraints(model, name)


def unique_among_living(cls: type[Record], columns: Sequence[str]) -> Index:
    """A unique index over records that are not archived, so that an archived one does not hold its number."""
    table = cls.__table__
    name = f"uq_{cls.__tablename__}_{'_'.join(columns)}"
    living = table.c.archived_at.is_(None)
    columns_of = (table.c[column] for column in columns)
    return Index(name, *columns_of, unique=True, postgresql_where=living, info={AMONG_LIVING: True})
