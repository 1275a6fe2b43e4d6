"""Meetings (F4): what they are for, who attends, what was agreed, and who does what until when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    FlagKind,
    InstantKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Contact, Customer
from kedang_tenants.people.models import Member

FACE_TO_FACE, ONLINE, TELEPHONE = "FACE_TO_FACE", "ONLINE", "TELEPHONE"
MEETING_WAYS: Final = (
    Option(FACE_TO_FACE, msg("Face to face")),
    Option(ONLINE, msg("Online")),
    Option(TELEPHONE, msg("By telephone")),
)
NO_MINUTES, WRITTEN, REVIEWED, RETURNED = "NONE", "WRITTEN", "REVIEWED", "RETURNED"
MINUTES_STATES: Final = (
    Option(NO_MINUTES, msg("None yet")),
    Option(WRITTEN, msg("Written")),
    Option(REVIEWED, msg("Reviewed")),
    Option(RETURNED, msg("Returned")),
)


class Meeting(Record):
    """A meeting with a customer, from its agenda to its reviewed minutes (会议纪要).

    After one that was held face to face minutes are due within two working days (``minutes_due_on``). They
    are written, then reviewed or returned with a remark by somebody above whoever wrote them.
    """

    __tablename__ = "meeting"
    __prefix__ = "mtg"
    __labels__ = (msg("Meeting"), msg("Meetings"))
    __owner__ = ("organiser_id",)
    __co_owners__ = (("customer", "owner_id"), ("attendees", "member_id"))
    __brings__ = ("attendees", "actions")
    __order__ = ("starts_at",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    organiser_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Organiser"),
        references="member.id",
        description="Whoever enters it where nobody is said; the minutes are theirs to see to",
    )
    subject: Mapped[str] = field(TextKind(200), label=msg("Subject"), required=True)
    way: Mapped[str] = field(ChoiceKind(MEETING_WAYS), label=msg("Way"), required=True, default=FACE_TO_FACE)
    aim: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Aim"), sort=False)
    agenda: Mapped[str | None] = field(TextKind(20_000, multiline=True), label=msg("Agenda"), sort=False)
    information_needed: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Information needed"), sort=False
    )
    starts_at: Mapped[datetime] = field(InstantKind(), label=msg("Starts at"), required=True)
    ends_at: Mapped[datetime] = field(InstantKind(), label=msg("Ends at"), required=True)
    place: Mapped[str | None] = field(TextKind(300), label=msg("Place"))
    agenda_sent_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Agenda sent at"), read_only=True
    )
    minutes: Mapped[str | None] = field(
        TextKind(50_000, multiline=True), label=msg("Minutes"), read_only=True, sort=False
    )
    decisions: Mapped[str | None] = field(
        TextKind(20_000, multiline=True), label=msg("Decisions"), read_only=True, sort=False
    )
    minutes_due_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Minutes due on"),
        read_only=True,
        description="The second working day after a meeting face to face",
    )
    minutes_state: Mapped[str] = field(
        ChoiceKind(MINUTES_STATES),
        label=msg("State of the minutes"),
        required=True,
        default=NO_MINUTES,
        read_only=True,
    )
    minutes_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Minutes by"), references="member.id", read_only=True
    )
    minutes_written_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Minutes written at"), read_only=True
    )
    reviewed_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Reviewed by"), references="member.id", read_only=True
    )
    reviewed_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Reviewed at"), read_only=True)
    review_remark: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("Remark of the review"), read_only=True, sort=False
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="Meeting.customer_id"
    )
    organiser: Mapped[Member | None] = relation(
        "Member", label=msg("Organiser"), foreign_key="Meeting.organiser_id"
    )
    minutes_by: Mapped[Member | None] = relation(
        "Member", label=msg("Minutes by"), foreign_key="Meeting.minutes_by_id"
    )
    reviewed_by: Mapped[Member | None] = relation(
        "Member", label=msg("Reviewed by"), foreign_key="Meeting.reviewed_by_id"
    )
    attendees: Mapped[list[MeetingAttendee]] = relation(
        "MeetingAttendee", label=msg("Attendees"), foreign_key="MeetingAttendee.meeting_id"
    )
    actions: Mapped[list[MeetingAction]] = relation(
        "MeetingAction", label=msg("Actions"), foreign_key="MeetingAction.meeting_id"
    )

    __table_args__ = (
        Index("ix_meeting_customer_id_starts_at", "customer_id", "starts_at", "id"),
        Index("ix_meeting_organiser_id_starts_at", "organiser_id", "starts_at", "id"),
        Index("ix_meeting_starts_at", "starts_at", "id"),
        Index(
            "ix_meeting_minutes_due",
            "minutes_due_on",
            "id",
            postgresql_where=text("minutes_state IN ('NONE', 'RETURNED') AND archived_at IS NULL"),
        ),
        Index(
            "ix_meeting_minutes_written",
            "minutes_written_at",
            "id",
            postgresql_where=text("minutes_state = 'WRITTEN' AND archived_at IS NULL"),
        ),
    )


class MeetingAttendee(Record):
    """Somebody who is to attend a meeting: a member, a contact of the customer, or anybody by name."""

    __tablename__ = "meeting_attendee"
    __prefix__ = "mat"
    __labels__ = (msg("Attendee of a meeting"), msg("Attendees of meetings"))
    __owner__ = ("meeting", "organiser_id")
    __co_owners__ = (("meeting", "customer", "owner_id"), ("member_id",))

    meeting_id: Mapped[UUID] = field(
        ReferenceKind("meeting"),
        label=msg("Meeting"),
        required=True,
        references="meeting.id",
        create_only=True,
    )
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Member"),
        references="member.id",
        index=True,
        create_only=True,
    )
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"),
        label=msg("Contact"),
        references="contact.id",
        index=True,
        create_only=True,
    )
    name: Mapped[str | None] = field(
        TextKind(100), label=msg("Name"), description="Of somebody who is neither a member nor a contact"
    )
    attended: Mapped[bool | None] = field(
        FlagKind(), label=msg("Attended"), description="Empty until it is known"
    )

    meeting: Mapped[Meeting] = relation(
        "Meeting", label=msg("Meeting"), foreign_key="MeetingAttendee.meeting_id"
    )
    member: Mapped[Member | None] = relation(
        "Member", label=msg("Member"), foreign_key="MeetingAttendee.member_id"
    )
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="MeetingAttendee.contact_id"
    )

    __table_args__ = (Index("ix_meeting_attendee_meeting_id", "meeting_id", "id"),)


unique_among_living(MeetingAttendee, ("meeting_id", "member_id"))
unique_among_living(MeetingAttendee, ("meeting_id", "contact_id"))


class MeetingAction(Record):
    """What a member is to do after a meeting, and until when."""

    __tablename__ = "meeting_action"
    __prefix__ = "mac"
    __labels__ = (msg("Action of a meeting"), msg("Actions of meetings"))
    __owner__ = ("owner_id",)
    __co_owners__ = (("meeting", "organiser_id"), ("meeting", "customer", "owner_id"))
    __order__ = ("due_on",)

    meeting_id: Mapped[UUID] = field(
        ReferenceKind("meeting"),
        label=msg("Meeting"),
        required=True,
        references="meeting.id",
        create_only=True,
        index=True,
    )
    task: Mapped[str] = field(
        TextKind(1000, multiline=True), label=msg("What is to be done"), required=True, sort=False
    )
    owner_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Owner"), required=True, references="member.id"
    )
    due_on: Mapped[date] = field(DayKind(), label=msg("Due on"), required=True)
    done_on: Mapped[date | None] = field(DayKind(), label=msg("Done on"))
    result: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Result"), sort=False)

    meeting: Mapped[Meeting] = relation(
        "Meeting", label=msg("Meeting"), foreign_key="MeetingAction.meeting_id"
    )
    owner: Mapped[Member] = relation("Member", label=msg("Owner"), foreign_key="MeetingAction.owner_id")

    __table_args__ = (
        Index(
            "ix_meeting_action_open",
            "owner_id",
            "due_on",
            "id",
            postgresql_where=text("done_on IS NULL AND archived_at IS NULL"),
        ),
    )


contribute(
    Customer, "meetings", relation("Meeting", label=msg("Meetings"), foreign_key="Meeting.customer_id")
)
