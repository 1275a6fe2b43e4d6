"""The people of a company: members and the departments they belong to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    EmailKind,
    FlagKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    WordsKind,
    field,
    relation,
)
from kedang_tenants.people.roles import ROLES


class Department(Record):
    """A department; a branch is a department marked so (T2)."""

    __tablename__ = "department"
    __prefix__ = "dep"
    __labels__ = (msg("Department"), msg("Departments"))
    __key__ = ("name",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True, unique=True, name_level=True)
    parent_id: Mapped[UUID | None] = field(
        ReferenceKind("department"), label=msg("Belongs to"), references="department.id", name_level=True
    )
    branch: Mapped[bool] = field(
        FlagKind(), label=msg("Branch"), required=True, default=False, name_level=True
    )

    parent: Mapped[Department | None] = relation(
        "Department", label=msg("Belongs to"), foreign_key="Department.parent_id", remote_side="Department.id"
    )
    members: Mapped[list[Member]] = relation(
        "Member", label=msg("Members"), foreign_key="Member.department_id"
    )


class Member(Record):
    """A person in this company. The person itself, with password and sessions, belongs to the platform,
    whose membership names this row by its id.
    """

    __tablename__ = "member"
    __prefix__ = "mem"
    __labels__ = (msg("Member"), msg("Members"))
    __owner__ = ("id",)
    __key__ = ("email",)
    __order__ = ("name",)
    __actions__ = frozenset({"update"})

    name: Mapped[str] = field(TextKind(100), label=msg("Full name"), required=True, name_level=True)
    email: Mapped[str] = field(
        EmailKind(), label=msg("E-mail"), required=True, unique=True, name_level=True, read_only=True
    )
    title: Mapped[str | None] = field(TextKind(100), label=msg("Job title"), name_level=True)
    department_id: Mapped[UUID | None] = field(
        ReferenceKind("department"),
        label=msg("Department"),
        references="department.id",
        index=True,
        name_level=True,
    )
    superior_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Superior"), references="member.id", name_level=True
    )
    roles: Mapped[list[str]] = field(
        ChoicesKind(ROLES), label=msg("Roles"), required=True, default=list, read_only=True
    )
    own_roles: Mapped[list[str] | None] = field(
        WordsKind(),
        label=msg("Roles of the company"),
        description=msg("Codes of roles that the company has added to the default ones."),
        read_only=True,
    )
    state: Mapped[str] = field(
        ChoiceKind(
            (
                Option("INVITED", msg("Invited")),
                Option("ACTIVE", msg("Active")),
                Option("SUSPENDED", msg("Suspended")),
            )
        ),
        label=msg("State"),
        required=True,
        default="INVITED",
        read_only=True,
        name_level=True,
    )
    seat: Mapped[str] = field(
        ChoiceKind((Option("FULL", msg("Full seat")), Option("VIEW_ONLY", msg("View only")))),
        label=msg("Seat"),
        required=True,
        default="VIEW_ONLY",
        read_only=True,
    )
    language: Mapped[str] = field(
        ChoiceKind((Option("EN", "English"), Option("ZH_CN", "简体中文"))),
        label=msg("Language"),
        required=True,
        default="EN",
    )

    department: Mapped[Department | None] = relation(
        "Department", label=msg("Department"), foreign_key="Member.department_id"
    )
    superior: Mapped[Member | None] = relation(
        "Member", label=msg("Superior"), foreign_key="Member.superior_id", remote_side="Member.id"
    )
