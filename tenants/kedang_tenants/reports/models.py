"""Reports: what is asked for again and again, by whom it is received, and every report that was made (R1, R2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    DayKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.files.models import File
from kedang_tenants.grading.models import GradeScheme
from kedang_tenants.imports.models import CANCELLED, DONE, FAILED, RUNNING, STATES, WAITING
from kedang_tenants.people.calendar import WEEKDAYS
from kedang_tenants.people.models import Department, Member
from kedang_tenants.surveys.models import Questionnaire

__all__ = ["CANCELLED", "DONE", "FAILED", "RUNNING", "WAITING"]

CUSTOMERS_BY_GRADE: Final = "CUSTOMERS_BY_GRADE"
GRADE_MOVEMENT: Final = "GRADE_MOVEMENT"
FOLLOW_UP_COMPLIANCE: Final = "FOLLOW_UP_COMPLIANCE"
SURVEY_ANALYSIS: Final = "SURVEY_ANALYSIS"
CUSTOMER_LIST: Final = "CUSTOMER_LIST"
COMPOSITION: Final = "COMPOSITION"
PURCHASE_BEHAVIOUR: Final = "PURCHASE_BEHAVIOUR"
VISITS: Final = "VISITS"
LOYALTY_AND_LOSS: Final = "LOYALTY_AND_LOSS"
SERVICE_QUALITY: Final = "SERVICE_QUALITY"
ARCHIVE_FRESHNESS: Final = "ARCHIVE_FRESHNESS"
DAILY_DIGEST: Final = "DAILY_DIGEST"
CONTRACTS_ENDING: Final = "CONTRACTS_ENDING"
MAINTENANCE_DUE: Final = "MAINTENANCE_DUE"
WATCH_LIST: Final = "WATCH_LIST"
PROFIT_CONTRIBUTION: Final = "PROFIT_CONTRIBUTION"
RECEIVABLES_AGEING: Final = "RECEIVABLES_AGEING"
REPORTS: Final = (
    Option(CUSTOMERS_BY_GRADE, msg("Customers by grade")),
    Option(GRADE_MOVEMENT, msg("Grade movement")),
    Option(FOLLOW_UP_COMPLIANCE, msg("Follow-up compliance")),
    Option(SURVEY_ANALYSIS, msg("Survey analysis")),
    Option(CUSTOMER_LIST, msg("Customer list")),
    Option(COMPOSITION, msg("Composition")),
    Option(PURCHASE_BEHAVIOUR, msg("Purchase behaviour")),
    Option(VISITS, msg("Visits planned and done")),
    Option(LOYALTY_AND_LOSS, msg("Loyalty and loss")),
    Option(SERVICE_QUALITY, msg("Service quality")),
    Option(ARCHIVE_FRESHNESS, msg("Archive freshness")),
    Option(DAILY_DIGEST, msg("Daily digest")),
    Option(CONTRACTS_ENDING, msg("Contracts ending")),
    Option(MAINTENANCE_DUE, msg("Maintenance due")),
    Option(WATCH_LIST, msg("Watch list")),
    Option(PROFIT_CONTRIBUTION, msg("Profit contribution")),
    Option(RECEIVABLES_AGEING, msg("Receivables ageing")),
)

XLSX, PDF, CSV = "XLSX", "PDF", "CSV"
FORMATS: Final = (Option(XLSX, "XLSX"), Option(PDF, "PDF"), Option(CSV, "CSV"))

BETWEEN: Final = "BETWEEN"
PERIODS: Final = (
    Option("YESTERDAY", msg("Yesterday")),
    Option("LAST_WEEK", msg("Last week")),
    Option("LAST_MONTH", msg("Last month")),
    Option("LAST_QUARTER", msg("Last quarter")),
    Option("LAST_YEAR", msg("Last year")),
    Option("THIS_MONTH", msg("This month so far")),
    Option("THIS_YEAR", msg("This year so far")),
    Option("LAST_12_MONTHS", msg("The last twelve months")),
    Option(BETWEEN, msg("Between two days")),
)

NEVER, DAILY, WEEKLY, MONTHLY, YEARLY = "NEVER", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"
SCHEDULES: Final = (
    Option(NEVER, msg("Only by hand")),
    Option(DAILY, msg("Every day")),
    Option(WEEKLY, msg("Every week")),
    Option(MONTHLY, msg("Every month")),
    Option(YEARLY, msg("Every year")),
)
LANGUAGES: Final = (Option("EN", "English"), Option("ZH_CN", "简体中文"))
_COUNT = IntegerKind(0)


class Question:
    """What a report is to tell: the columns that a definition and a run have in common."""

    kind: Mapped[str] = field(ChoiceKind(REPORTS), label=msg("Report"), required=True, create_only=True)
    period: Mapped[str] = field(
        ChoiceKind(PERIODS), label=msg("Period"), required=True, default="LAST_12_MONTHS"
    )
    starts_on: Mapped[date | None] = field(
        DayKind(), label=msg("First day"), description="Of the period between two days only"
    )
    ends_on: Mapped[date | None] = field(
        DayKind(), label=msg("Last day"), description="Of the period between two days only"
    )
    scheme_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_scheme"),
        label=msg("Grade scheme"),
        references="grade_scheme.id",
        description="Of customers and movements by grade only; the leading one where none is said",
    )
    questionnaire_id: Mapped[UUID | None] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        references="questionnaire.id",
        description="Of a survey analysis only",
    )
    only_department_id: Mapped[UUID | None] = field(
        ReferenceKind("department"),
        label=msg("Only this department"),
        references="department.id",
        description="And those below it",
    )
    only_member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Only this person"), references="member.id"
    )
    parameters: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Parameters"),
        description="What this report can be told beside, by the names that reportKinds tells",
        required=True,
        default=dict,
        server_default="'{}'",
        imported=False,
        exported=False,
    )
    formats: Mapped[list[str]] = field(
        ChoicesKind(FORMATS), label=msg("Formats"), required=True, default=lambda: [XLSX]
    )
    language: Mapped[str | None] = field(
        ChoiceKind(LANGUAGES),
        label=msg("Language"),
        description="The reader's own where none is said",
    )


class ReportDefinition(Question, Record):
    """A report that is made again: by hand, or by itself at the times of its schedule.

    Each recipient gets it with their own rights; where no recipients are said, its owner gets it.
    """

    __tablename__ = "report_definition"
    __prefix__ = "rde"
    __labels__ = (msg("Report definition"), msg("Report definitions"))
    __owner__ = ("owner_id",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True)
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Owner"),
        references="member.id",
        index=True,
        description="Whoever makes it where nobody is said",
    )
    schedule: Mapped[str] = field(ChoiceKind(SCHEDULES), label=msg("Schedule"), required=True, default=NEVER)
    at: Mapped[str | None] = field(
        TextKind(5), label=msg("Time of day"), description="HH:MM in the company's time zone"
    )
    weekday: Mapped[str | None] = field(
        ChoiceKind(WEEKDAYS), label=msg("Day of the week"), description="Of a weekly schedule only"
    )
    day_of_month: Mapped[int | None] = field(
        IntegerKind(1, 31),
        label=msg("Day of the month"),
        description="Of a monthly or yearly schedule only; in a shorter month its last day",
    )
    month: Mapped[int | None] = field(
        IntegerKind(1, 12), label=msg("Month"), description="Of a yearly schedule only"
    )
    active: Mapped[bool] = field(FlagKind(), label=msg("Active"), required=True, default=True)
    next_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Next at"), read_only=True, description="When its schedule makes it next"
    )

    owner: Mapped[Member | None] = relation(
        "Member", label=msg("Owner"), foreign_key="ReportDefinition.owner_id"
    )
    scheme: Mapped[GradeScheme | None] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="ReportDefinition.scheme_id"
    )
    questionnaire: Mapped[Questionnaire | None] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="ReportDefinition.questionnaire_id"
    )
    only_department: Mapped[Department | None] = relation(
        "Department",
        label=msg("Only this department"),
        foreign_key="ReportDefinition.only_department_id",
    )
    only_member: Mapped[Member | None] = relation(
        "Member", label=msg("Only this person"), foreign_key="ReportDefinition.only_member_id"
    )
    recipients: Mapped[list[ReportRecipient]] = relation(
        "ReportRecipient", label=msg("Recipients"), foreign_key="ReportRecipient.definition_id"
    )
    runs: Mapped[list[ReportRun]] = relation(
        "ReportRun", label=msg("Reports made"), foreign_key="ReportRun.definition_id"
    )

    __table_args__ = (
        Index("ix_report_definition_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )


class ReportRecipient(Record):
    """A member who gets the reports of a definition by mail, each made with that member's own rights.

    Who was taken off the list is put on it anew, not restored.
    """

    __tablename__ = "report_recipient"
    __prefix__ = "rrc"
    __labels__ = (msg("Recipient of a report"), msg("Recipients of reports"))
    __owner__ = ("definition", "owner_id")
    __key__ = ("definition_id", "member_id")
    __actions__ = frozenset({"create", "archive"})

    definition_id: Mapped[UUID] = field(
        ReferenceKind("report_definition"),
        label=msg("Report definition"),
        required=True,
        references="report_definition.id",
        create_only=True,
    )
    member_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Member"),
        required=True,
        references="member.id",
        create_only=True,
        index=True,
    )

    definition: Mapped[ReportDefinition] = relation(
        "ReportDefinition", label=msg("Report definition"), foreign_key="ReportRecipient.definition_id"
    )
    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="ReportRecipient.member_id")


unique_among_living(ReportRecipient, ("definition_id", "member_id"))


class ReportRun(Question, Record):
    """One report made for one member, with the rights that this member has while it is made.

    Its files are removed when it expires; that it was made stays known.
    """

    __tablename__ = "report_run"
    __prefix__ = "rru"
    __labels__ = (msg("Report made"), msg("Reports made"))
    __owner__ = ("asked_by_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    definition_id: Mapped[UUID | None] = field(
        ReferenceKind("report_definition"),
        label=msg("Report definition"),
        references="report_definition.id",
        read_only=True,
    )
    asked_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Made for"), references="member.id", index=True, read_only=True
    )
    scheduled_for: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Scheduled for"),
        read_only=True,
        description="Empty: it was asked for by hand",
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    tries: Mapped[int] = field(
        IntegerKind(1),
        label=msg("Tries"),
        required=True,
        default=1,
        server_default="1",
        read_only=True,
        description="How often it was asked for: once, and each time that it was asked for again",
    )
    rows_done: Mapped[int] = field(
        _COUNT, label=msg("Rows dealt with"), required=True, default=0, read_only=True
    )
    rows_total: Mapped[int | None] = field(_COUNT, label=msg("Rows"), read_only=True)
    error_code: Mapped[str | None] = field(TextKind(50), label=msg("Error code"), read_only=True)
    error: Mapped[dict[str, str] | None] = field(LocalisedKind(1000), label=msg("Error"), read_only=True)
    xlsx_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label="XLSX", references="file.id", read_only=True
    )
    pdf_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label="PDF", references="file.id", read_only=True
    )
    csv_id: Mapped[UUID | None] = field(
        ReferenceKind("file"), label="CSV", references="file.id", read_only=True
    )
    started_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Started at"), read_only=True)
    finished_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Finished at"), read_only=True)
    expires_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Expires at"), read_only=True, description="When its files are removed"
    )
    job_id: Mapped[UUID | None] = mapped_column(Uuid)

    definition: Mapped[ReportDefinition | None] = relation(
        "ReportDefinition", label=msg("Report definition"), foreign_key="ReportRun.definition_id"
    )
    asked_by: Mapped[Member | None] = relation(
        "Member", label=msg("Made for"), foreign_key="ReportRun.asked_by_id"
    )
    scheme: Mapped[GradeScheme | None] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="ReportRun.scheme_id"
    )
    questionnaire: Mapped[Questionnaire | None] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="ReportRun.questionnaire_id"
    )
    only_department: Mapped[Department | None] = relation(
        "Department", label=msg("Only this department"), foreign_key="ReportRun.only_department_id"
    )
    only_member: Mapped[Member | None] = relation(
        "Member", label=msg("Only this person"), foreign_key="ReportRun.only_member_id"
    )
    xlsx: Mapped[File | None] = relation("File", label="XLSX", foreign_key="ReportRun.xlsx_id")
    pdf: Mapped[File | None] = relation("File", label="PDF", foreign_key="ReportRun.pdf_id")
    csv: Mapped[File | None] = relation("File", label="CSV", foreign_key="ReportRun.csv_id")

    __table_args__ = (
        # However often the job of an occurrence is run, each recipient has one report of it.
        Index(
            "uq_report_run_occurrence",
            "definition_id",
            "scheduled_for",
            "asked_by_id",
            unique=True,
            postgresql_where=text("scheduled_for IS NOT NULL"),
        ),
        Index("ix_report_run_definition_id_created_at", "definition_id", "created_at", "id"),
        Index(
            "ix_report_run_expires_at",
            "expires_at",
            postgresql_where=text("xlsx_id IS NOT NULL OR pdf_id IS NOT NULL OR csv_id IS NOT NULL"),
        ),
    )
