"""Runs of the retention rules, and requests about one person's data; the hold that stops both."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Contact, Customer
from kedang_tenants.files.models import File
from kedang_tenants.imports.models import STATES, WAITING
from kedang_tenants.people.models import Member
from kedang_tenants.rules.models import RuleVersion

EXPORT, ERASURE = "EXPORT", "ERASURE"
KINDS: Final = (Option(EXPORT, msg("Export")), Option(ERASURE, msg("Erasure")))
_COUNT: Final = IntegerKind(0)


class RetentionRun(Record):
    """One run of the retention rules: under which version, what it anonymised and deleted, and what a hold kept.

    ``report`` has one entry for each rule of the version: ``record``, ``action``, ``months``, ``before`` (the day
    until which things were old enough), ``done``, ``held``, and of a trial ``samples``, the ids of some.
    """

    __tablename__ = "retention_run"
    __prefix__ = "ret"
    __labels__ = (msg("Run of the retention rules"), msg("Runs of the retention rules"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Started by"),
        references="member.id",
        read_only=True,
        description="Empty for the run of every night",
    )
    rule_version_id: Mapped[UUID] = field(
        ReferenceKind("rule_version"),
        label=msg("Version of a rule"),
        required=True,
        references="rule_version.id",
        read_only=True,
    )
    trial: Mapped[bool] = field(
        FlagKind(),
        label=msg("Trial"),
        required=True,
        default=False,
        read_only=True,
        description="Everything is counted, nothing is done",
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    anonymised: Mapped[int] = field(_COUNT, label=msg("Anonymised"), required=True, default=0, read_only=True)
    deleted: Mapped[int] = field(_COUNT, label=msg("Deleted"), required=True, default=0, read_only=True)
    held: Mapped[int] = field(
        _COUNT,
        label=msg("Kept by a hold"),
        required=True,
        default=0,
        read_only=True,
        description="Old enough, but of a customer on legal hold",
    )
    report: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Report"), read_only=True, exported=False
    )
    job_id: Mapped[UUID | None] = mapped_column(Uuid)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)

    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="RetentionRun.started_by_id"
    )
    rule_version: Mapped[RuleVersion] = relation(
        "RuleVersion", label=msg("Version of a rule"), foreign_key="RetentionRun.rule_version_id"
    )


class PersonRequest(Record):
    """Somebody asks for their data, or to be forgotten: a contact, a customer who is an individual, a former
    member, or whoever has an e-mail address.

    ``report`` of an erasure says in how many rows of which table values were replaced, and how many files went.
    """

    __tablename__ = "person_request"
    __prefix__ = "prq"
    __labels__ = (msg("Request about a person's data"), msg("Requests about persons' data"))
    __owner__ = ("started_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    started_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Started by"), references="member.id", index=True, read_only=True
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, read_only=True)
    subject: Mapped[str | None] = field(
        TextKind(36),
        label=msg("About"),
        read_only=True,
        description="The public id of a contact, a customer or a member",
    )
    email: Mapped[str | None] = field(
        TextKind(254),
        label=msg("E-mail"),
        read_only=True,
        sensitivity="phone",
        description="Whose data are exported, where no record was named",
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    done: Mapped[int] = field(
        _COUNT,
        label=msg("Dealt with"),
        required=True,
        default=0,
        read_only=True,
        description="Records written, or places gone through",
    )
    report: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Report"), read_only=True, exported=False
    )
    file_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label=msg("File"), references="file.id", read_only=True
    )
    error_code: Mapped[str | None] = field(TextKind(50), label=msg("Error code"), read_only=True)
    error: Mapped[dict[str, str] | None] = field(LocalisedKind(1000), label=msg("Error"), read_only=True)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)
    # What an erasure looks for while it runs, since the person's own record is emptied first; then nothing again.
    sought: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)

    started_by: Mapped[Member | None] = relation(
        "Member", label=msg("Started by"), foreign_key="PersonRequest.started_by_id"
    )
    file: Mapped[File | None] = relation("File", label=msg("File"), foreign_key="PersonRequest.file_id")


contribute(
    Customer,
    "held_at",
    field(
        InstantKind(),
        label=msg("On legal hold since"),
        read_only=True,
        description="While it is on hold, nothing of it is deleted or anonymised, neither by a rule nor by hand",
    ),
)
contribute(
    Customer, "held_because", field(TextKind(500), label=msg("Reason of the legal hold"), read_only=True)
)
contribute(Customer, "erased_at", field(InstantKind(), label=msg("Erased at"), read_only=True))
contribute(Contact, "erased_at", field(InstantKind(), label=msg("Erased at"), read_only=True))
