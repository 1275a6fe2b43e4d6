"""``field`` and ``relation``: how a feature's models say everything about a field once.

What is said here is read by the gateway (types, filters, sorting, inputs), the importer and
exporter, the masks of the policy, the audit log and the reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import MappedColumn, mapped_column, relationship

from kedang_tenants.catalogue.kinds import Kind

Sensitivity = Literal["phone", "credit", "bank", "profit", "cost", "respondent"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What a model says of a field beside its column."""

    label: str
    kind: Kind
    description: str = ""
    sensitivity: Sensitivity | None = None
    name_level: bool = False
    filter: bool = True
    sort: bool = True
    search: bool = False
    read_only: bool = False
    create_only: bool = False
    imported: bool = True
    exported: bool = True
    hidden: bool = False
    sort_key: str | None = None
    derives: str | None = None
    currency: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationSpec:
    """What a model says of a relation; ``label`` is what people call the other side."""

    label: str


def field(
    kind: Kind,
    *,
    label: str,
    description: str = "",
    required: bool = False,
    default: Any = None,
    references: str | None = None,
    unique: bool = False,
    index: bool = False,
    sensitivity: Sensitivity | None = None,
    name_level: bool = False,
    filter: bool = True,  # noqa: A002 - the catalogue's own word for it
    sort: bool | None = None,
    search: bool = False,
    read_only: bool = False,
    create_only: bool = False,
    imported: bool | None = None,
    exported: bool = True,
    hidden: bool = False,
    sort_key: str | None = None,
    derives: str | None = None,
    currency: str = "",
    server_default: str | None = None,
) -> MappedColumn[Any]:
    """A column of a record with all that the product knows of it.

    ``required`` makes it NOT NULL; a ``default`` is bound from Python. ``references`` is a
    ``table.id`` of the same schema. ``sensitivity`` puts the field under a mask of the policy,
    ``name_level`` leaves it readable where only names may be seen. ``search`` feeds the full-text
    search. ``sort_key`` names the column that holds people's order, ``derives`` the prefix of the
    columns derived from a telephone number. ``currency`` says where the currency of an amount stands: a
    field of the same record, or ``relation.field``. ``hidden`` fields never leave the product. ``unique``
    values are unique among records that are not archived (declared as an index by the model). ``server_default`` is
    SQL for rows that were there before the column: a required column needs it in a company that has rows.
    """
    spec = FieldSpec(
        label=label,
        kind=kind,
        description=description,
        sensitivity=sensitivity,
        name_level=name_level,
        filter=filter and not hidden,
        sort=(kind.sortable if sort is None else sort) and not hidden,
        search=search,
        read_only=read_only or hidden,
        create_only=create_only,
        imported=not (read_only or hidden) if imported is None else imported,
        exported=exported and not hidden,
        hidden=hidden,
        sort_key=sort_key,
        derives=derives,
        currency=tuple(currency.split(".")) if currency else (),
    )
    arguments: list[Any] = [kind.column_type()]
    if references:
        arguments.append(ForeignKey(references))
    return mapped_column(
        *arguments,
        nullable=not required,
        default=default,
        server_default=None if server_default is None else text(server_default),
        index=index or None,
        info={"field": spec, "unique": unique},
    )


def relation(target: str, *, label: str, foreign_key: str, **kwargs: Any) -> Any:
    """A relation to another record over ``foreign_key`` (``Class.column`` on whichever side holds it).

    It is never loaded through the ORM (``lazy="raise"``): reads go through the read planner.
    """
    return relationship(
        target,
        foreign_keys=foreign_key,
        lazy="raise",
        viewonly=True,
        info={"relation": RelationSpec(label)},
        **kwargs,
    )
