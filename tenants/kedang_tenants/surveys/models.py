"""Satisfaction surveys (满意度调查): what is asked, who is asked, and what they answer (V1-V7)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    DayKind,
    DecimalKind,
    EmailKind,
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
    unique_among_living,
)
from kedang_tenants.customers.models import Contact, Customer
from kedang_tenants.people.models import Member
from kedang_tenants.service.models import KINDS as REQUEST_KINDS
from kedang_tenants.service.models import ServiceRequest
from kedang_tenants.surveys.kinds import OffersKind

AFTER_SALE, AFTER_SERVICE, ON_VISIT = "AFTER_SALE", "AFTER_SERVICE", "ON_VISIT"
BY_HAND, REQUEST_CLOSED, DELIVERY_MADE = "BY_HAND", "REQUEST_CLOSED", "DELIVERY_MADE"
ORDER_PLACED, MYSTERY_VISIT = "ORDER_PLACED", "MYSTERY_VISIT"
MAINTENANCE_DUE, MAINTENANCE_DONE = "MAINTENANCE_DUE", "MAINTENANCE_DONE"
DRAFT, PUBLISHED, SUPERSEDED = "DRAFT", "PUBLISHED", "SUPERSEDED"
GROUP, LEVEL, NPS, CHOICE, NUMBER, DATE, TEXT = "GROUP", "LEVEL", "NPS", "CHOICE", "NUMBER", "DATE", "TEXT"
PENDING, SENT, BOUNCED, OPENED, ANSWERED = "PENDING", "SENT", "BOUNCED", "OPENED", "ANSWERED"
EXPIRED, CANCELLED, SKIPPED = "EXPIRED", "CANCELLED", "SKIPPED"
COOLDOWN, NO_ADDRESS, OPTED_OUT, NO_CONSENT = "COOLDOWN", "NO_ADDRESS", "OPTED_OUT", "NO_CONSENT"
TOO_OFTEN, SUPPRESSED, SAME_ADDRESS, PUT_AWAY = "TOO_OFTEN", "SUPPRESSED", "SAME_ADDRESS", "PUT_AWAY"
EMAIL, LINK, VISIT = "EMAIL", "LINK", "VISIT"
STARTED, SUBMITTED = "STARTED", "SUBMITTED"
PAGE, MEMBER = "PAGE", "MEMBER"

TEMPLATES = (
    Option(AFTER_SALE, msg("After a sale")),
    Option(AFTER_SERVICE, msg("After a service")),
    Option(ON_VISIT, msg("On a visit")),
)
TRIGGERS = (
    Option(BY_HAND, msg("By hand")),
    Option(REQUEST_CLOSED, msg("When a service request is closed")),
    Option(DELIVERY_MADE, msg("When a delivery has been made")),
    Option(ORDER_PLACED, msg("When an order has been placed")),
    Option(MAINTENANCE_DUE, msg("When maintenance of a product is due")),
    Option(MAINTENANCE_DONE, msg("When a product has been maintained")),
    Option(MYSTERY_VISIT, msg("On a mystery visit, entered by the visitor")),
)
LEVELS = (
    Option("VERY_SATISFIED", msg("Very satisfied")),
    Option("FAIRLY_SATISFIED", msg("Fairly satisfied")),
    Option("BASICALLY_SATISFIED", msg("Basically satisfied")),
    Option("NOT_VERY_SATISFIED", msg("Not very satisfied")),
    Option("NOT_SATISFIED", msg("Not satisfied")),
)
POINTS = {option.code: 5 - place for place, option in enumerate(LEVELS)}
"""What a level counts in a mean: 5 for very satisfied, 1 for not satisfied."""
ITEM_KINDS = (
    Option(GROUP, msg("Heading over finer questions")),
    Option(LEVEL, msg("Level of satisfaction")),
    Option(NPS, msg("Would recommend, 0 to 10")),
    Option(CHOICE, msg("Choice")),
    Option(NUMBER, msg("Number")),
    Option(DATE, msg("Date")),
    Option(TEXT, msg("Text")),
)
INVITATION_STATES = (
    Option(PENDING, msg("On its way")),
    Option(SENT, msg("Sent")),
    Option(BOUNCED, msg("Refused by the mail server")),
    Option(OPENED, msg("Opened")),
    Option(ANSWERED, msg("Answered")),
    Option(EXPIRED, msg("Expired")),
    Option(CANCELLED, msg("Cancelled")),
    Option(SKIPPED, msg("Not sent")),
)
_LANGUAGES = (Option("EN", "English"), Option("ZH_CN", "简体中文"))
_RESPONDENT: Final = "respondent"  # whoever reads answers without names reads none of these


class Questionnaire(Record):
    """A survey that the company repeats: what starts it, whom it spares, how it is followed up.

    What is asked stands in its versions; invitations go out with the current one, and only while it
    is active.
    """

    __tablename__ = "questionnaire"
    __prefix__ = "qnr"
    __labels__ = (msg("Questionnaire"), msg("Questionnaires"))
    __order__ = ("created_at",)

    name: Mapped[dict[str, str]] = field(
        LocalisedKind(100), label=msg("Name"), required=True, name_level=True
    )
    template: Mapped[str | None] = field(
        ChoiceKind(TEMPLATES),
        label=msg("Template"),
        read_only=True,
        description="Which of the product's templates it was made from",
    )
    trigger: Mapped[str] = field(
        ChoiceKind(TRIGGERS), label=msg("Sent out"), required=True, default=BY_HAND, name_level=True
    )
    active: Mapped[bool] = field(
        FlagKind(),
        label=msg("Active"),
        required=True,
        default=False,
        name_level=True,
        description="Only an active one, with a published version, is sent out",
    )
    delay_days: Mapped[int] = field(
        IntegerKind(0, 365),
        label=msg("Sent so many days later"),
        required=True,
        default=0,
        server_default="0",
        description="Days from what starts it to the invitation",
    )
    request_kinds: Mapped[list[str] | None] = field(
        ChoicesKind(REQUEST_KINDS),
        label=msg("Kinds of requests"),
        description="Which closed service requests start it; empty: all",
    )
    cooldown_days: Mapped[int] = field(
        IntegerKind(0, 3650),
        label=msg("Days between two surveys"),
        required=True,
        default=30,
        description="Nobody is invited who was to any survey within so many days",
    )
    remind_after_days: Mapped[int | None] = field(
        IntegerKind(1, 365),
        label=msg("Remind after days"),
        default=5,
        description="If there is no answer yet, and after as many days again; empty: never",
    )
    reminders_at_most: Mapped[int] = field(
        IntegerKind(1, 5),
        label=msg("Reminders at most"),
        required=True,
        default=1,
        server_default="1",
    )
    expires_after_days: Mapped[int] = field(
        IntegerKind(1, 365), label=msg("Expires after days"), required=True, default=14
    )
    edit_hours: Mapped[int] = field(
        IntegerKind(0, 8760),
        label=msg("Answers can be edited, hours"),
        required=True,
        default=24,
        description="How long whoever answered may come back and change it",
    )
    unhappy_opens_request: Mapped[bool] = field(
        FlagKind(), label=msg("An unhappy answer opens a service request"), required=True, default=True
    )
    unhappy_at_most: Mapped[str] = field(
        ChoiceKind(LEVELS),
        label=msg("Unhappy from this level down"),
        required=True,
        default="NOT_VERY_SATISFIED",
    )
    unhappy_detractors: Mapped[bool] = field(
        FlagKind(),
        label=msg("Detractors are unhappy, too"),
        required=True,
        default=False,
        description="Whoever would recommend with 0 to 6 of 10",
    )
    unhappy_within_days: Mapped[int] = field(
        IntegerKind(1, 90),
        label=msg("An unhappy customer is answered within working days"),
        required=True,
        default=2,
    )
    current_version_id: Mapped[UUID | None] = field(
        ReferenceKind("questionnaire_version"),
        label=msg("Published version"),
        read_only=True,
        name_level=True,
    )

    # Versions point here with a foreign key; one back would close a circle that no table could begin.
    current_version: Mapped[QuestionnaireVersion | None] = relation(
        "QuestionnaireVersion",
        label=msg("Published version"),
        foreign_key="Questionnaire.current_version_id",
        primaryjoin="QuestionnaireVersion.id == foreign(Questionnaire.current_version_id)",
    )
    versions: Mapped[list[QuestionnaireVersion]] = relation(
        "QuestionnaireVersion", label=msg("Versions"), foreign_key="QuestionnaireVersion.questionnaire_id"
    )
    invitations: Mapped[list[SurveyInvitation]] = relation(
        "SurveyInvitation", label=msg("Invitations"), foreign_key="SurveyInvitation.questionnaire_id"
    )
    answers: Mapped[list[SurveyAnswer]] = relation(
        "SurveyAnswer", label=msg("Answers"), foreign_key="SurveyAnswer.questionnaire_id"
    )


class QuestionnaireVersion(Record):
    """What a questionnaire asks. A draft is edited freely; what has been published never changes again."""

    __tablename__ = "questionnaire_version"
    __prefix__ = "qnv"
    __labels__ = (msg("Version of a questionnaire"), msg("Versions of questionnaires"))
    __order__ = ("number",)
    __actions__ = frozenset({"update"})

    questionnaire_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        required=True,
        references="questionnaire.id",
        create_only=True,
        name_level=True,
    )
    number: Mapped[int] = field(
        IntegerKind(1), label=msg("Number"), required=True, read_only=True, name_level=True
    )
    state: Mapped[str] = field(
        ChoiceKind(
            (
                Option(DRAFT, msg("Draft")),
                Option(PUBLISHED, msg("Published")),
                Option(SUPERSEDED, msg("Superseded")),
            )
        ),
        label=msg("State"),
        required=True,
        default=DRAFT,
        read_only=True,
        name_level=True,
    )
    introduction: Mapped[dict[str, str] | None] = field(
        LocalisedKind(2000, multiline=True), label=msg("Introduction"), exported=False
    )
    thanks: Mapped[dict[str, str] | None] = field(
        LocalisedKind(2000, multiline=True), label=msg("Thanks"), exported=False
    )
    published_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Published at"), read_only=True)

    questionnaire: Mapped[Questionnaire] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="QuestionnaireVersion.questionnaire_id"
    )
    items: Mapped[list[SurveyItem]] = relation(
        "SurveyItem", label=msg("Questions"), foreign_key="SurveyItem.version_id"
    )

    __table_args__ = (
        Index(
            "uq_questionnaire_version_draft",
            "questionnaire_id",
            unique=True,
            postgresql_where=text("state = 'DRAFT' AND archived_at IS NULL"),
        ),
    )


unique_among_living(QuestionnaireVersion, ("questionnaire_id", "number"))


class SurveyItem(Record):
    """One question of a version, or a heading over finer ones."""

    __tablename__ = "survey_item"
    __prefix__ = "svi"
    __labels__ = (msg("Question of a survey"), msg("Questions of surveys"))
    __order__ = ("position",)

    version_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire_version"),
        label=msg("Version of a questionnaire"),
        required=True,
        references="questionnaire_version.id",
        create_only=True,
        name_level=True,
    )
    parent_id: Mapped[UUID | None] = field(
        ReferenceKind("survey_item"),
        label=msg("Belongs to"),
        references="survey_item.id",
        index=True,
        name_level=True,
        description="The heading that it stands under",
    )
    position: Mapped[int] = field(IntegerKind(1, 1000), label=msg("Position"), required=True, name_level=True)
    key: Mapped[str] = field(
        TextKind(60),
        label=msg("Key"),
        required=True,
        name_level=True,
        description="Stays the same from version to version, so that answers can be compared",
    )
    kind: Mapped[str] = field(ChoiceKind(ITEM_KINDS), label=msg("Kind"), required=True, name_level=True)
    label: Mapped[dict[str, str]] = field(
        LocalisedKind(300), label=msg("Question"), required=True, name_level=True
    )
    help: Mapped[dict[str, str] | None] = field(LocalisedKind(500), label=msg("Explanation"), exported=False)
    required: Mapped[bool] = field(
        FlagKind(), label=msg("Must be answered"), required=True, default=False, name_level=True
    )
    commentable: Mapped[bool] = field(
        FlagKind(), label=msg("A comment may be written"), required=True, default=False, name_level=True
    )
    options: Mapped[list[dict[str, Any]] | None] = field(
        OffersKind(),
        label=msg("Options"),
        filter=False,
        sort=False,
        imported=False,
        exported=False,
        description='A list of {"code": "PRICE", "label": {"en": "Price", "zh": "价格"}}',
    )

    questionnaire_version: Mapped[QuestionnaireVersion] = relation(
        "QuestionnaireVersion",
        label=msg("Version of a questionnaire"),
        foreign_key="SurveyItem.version_id",
    )
    parent: Mapped[SurveyItem | None] = relation(
        "SurveyItem", label=msg("Belongs to"), foreign_key="SurveyItem.parent_id", remote_side="SurveyItem.id"
    )
    parts: Mapped[list[SurveyItem]] = relation(
        "SurveyItem", label=msg("Finer questions"), foreign_key="SurveyItem.parent_id"
    )
    item_answers: Mapped[list[SurveyItemAnswer]] = relation(
        "SurveyItemAnswer", label=msg("Answers"), foreign_key="SurveyItemAnswer.item_id"
    )


unique_among_living(SurveyItem, ("version_id", "key"))


class SurveyInvitation(Record):
    """One invitation to one person: one link, one answer.

    ``occasion`` names what it is for, so that the same thing never invites twice however often it
    happens. Of the link only the hash is kept.
    """

    __tablename__ = "survey_invitation"
    __prefix__ = "sin"
    __labels__ = (msg("Survey invitation"), msg("Survey invitations"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("created_at",)
    __actions__ = frozenset()

    questionnaire_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        required=True,
        references="questionnaire.id",
        read_only=True,
    )
    version_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire_version"),
        label=msg("Version of a questionnaire"),
        required=True,
        references="questionnaire_version.id",
        read_only=True,
    )
    customer_id: Mapped[UUID | None] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        references="customer.id",
        read_only=True,
        sensitivity=_RESPONDENT,
        description="Empty where somebody answers by a link that everybody gets",
    )
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"),
        label=msg("Contact"),
        references="contact.id",
        read_only=True,
        sensitivity=_RESPONDENT,
    )
    sending_id: Mapped[UUID | None] = field(
        ReferenceKind("survey_sending"),
        label=msg("Sending of a survey"),
        references="survey_sending.id",
        read_only=True,
        description="What somebody sent out; empty for what was sent by itself",
    )
    link_id: Mapped[UUID | None] = field(
        ReferenceKind("survey_link"),
        label=msg("Link of a survey"),
        references="survey_link.id",
        read_only=True,
        index=True,
    )
    subject: Mapped[str | None] = field(
        TextKind(60),
        label=msg("About"),
        read_only=True,
        sensitivity=_RESPONDENT,
        description="The id of the delivery, order, service request or product that it follows",
    )
    occasion: Mapped[str | None] = field(TextKind(200), label=msg("Occasion"), hidden=True)
    channel: Mapped[str] = field(
        ChoiceKind(
            (
                Option(EMAIL, msg("E-mail")),
                Option(LINK, msg("Link")),
                Option(VISIT, msg("Visit")),
                Option(MYSTERY_VISIT, msg("Mystery visit")),
            )
        ),
        label=msg("Channel"),
        required=True,
        default=EMAIL,
        read_only=True,
    )
    recipient: Mapped[str | None] = field(
        EmailKind(), label=msg("Recipient"), read_only=True, sensitivity="phone"
    )
    language: Mapped[str] = field(
        ChoiceKind(_LANGUAGES), label=msg("Language"), required=True, default="EN", read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(INVITATION_STATES),
        label=msg("State"),
        required=True,
        default=PENDING,
        read_only=True,
    )
    skipped_because: Mapped[str | None] = field(
        ChoiceKind(
            (
                Option(COOLDOWN, msg("Was invited not long ago")),
                Option(NO_ADDRESS, msg("No e-mail address is known")),
                Option(OPTED_OUT, msg("Wants no surveys")),
                Option(NO_CONSENT, msg("Has not consented yet")),
                Option(TOO_OFTEN, msg("Has been written to often enough")),
                Option(SUPPRESSED, msg("The address takes no mail")),
                Option(SAME_ADDRESS, msg("The address was invited already")),
                Option(PUT_AWAY, msg("Customer or contact was archived")),
            )
        ),
        label=msg("Not sent because"),
        read_only=True,
    )
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    due_at: Mapped[datetime] = field(InstantKind(), label=msg("To be sent at"), required=True, read_only=True)
    sent_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Sent at"), read_only=True)
    opened_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Opened at"), read_only=True)
    reminded_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Reminded at"), read_only=True)
    reminders: Mapped[int] = field(
        IntegerKind(0),
        label=msg("Reminders"),
        required=True,
        default=0,
        server_default="0",
        read_only=True,
        description="How often it was reminded of",
    )
    answered_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Answered at"), read_only=True)
    expires_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Expires at"), required=True, read_only=True
    )

    questionnaire: Mapped[Questionnaire] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="SurveyInvitation.questionnaire_id"
    )
    questionnaire_version: Mapped[QuestionnaireVersion] = relation(
        "QuestionnaireVersion",
        label=msg("Version of a questionnaire"),
        foreign_key="SurveyInvitation.version_id",
    )
    customer: Mapped[Customer | None] = relation(
        "Customer", label=msg("Customer"), foreign_key="SurveyInvitation.customer_id"
    )
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="SurveyInvitation.contact_id"
    )
    answers: Mapped[list[SurveyAnswer]] = relation(
        "SurveyAnswer", label=msg("Answer"), foreign_key="SurveyAnswer.invitation_id"
    )

    __table_args__ = (
        Index("uq_survey_invitation_occasion", "occasion", unique=True),
        Index("uq_survey_invitation_token_hash", "token_hash", unique=True),
        Index("ix_survey_invitation_customer_id", "customer_id", "created_at", "id"),
        Index("ix_survey_invitation_contact_id", "contact_id", "due_at"),
        Index("ix_survey_invitation_questionnaire_id", "questionnaire_id", "created_at", "id"),
        Index("ix_survey_invitation_version_id", "version_id"),
        Index(
            "ix_survey_invitation_sending_id",
            "sending_id",
            "recipient",
            postgresql_where=text("sending_id IS NOT NULL"),
        ),
        Index(
            "ix_survey_invitation_open",
            "expires_at",
            "id",
            postgresql_where=text("state IN ('PENDING', 'SENT', 'OPENED')"),
        ),
    )


class SurveyAnswer(Record):
    """What one invited person answered: begun, then handed in."""

    __tablename__ = "survey_answer"
    __prefix__ = "sva"
    __labels__ = (msg("Survey answer"), msg("Survey answers"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("started_at",)
    __actions__ = frozenset()

    invitation_id: Mapped[UUID] = field(
        ReferenceKind("survey_invitation"),
        label=msg("Survey invitation"),
        required=True,
        references="survey_invitation.id",
        read_only=True,
    )
    questionnaire_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire"),
        label=msg("Questionnaire"),
        required=True,
        references="questionnaire.id",
        read_only=True,
    )
    version_id: Mapped[UUID] = field(
        ReferenceKind("questionnaire_version"),
        label=msg("Version of a questionnaire"),
        required=True,
        references="questionnaire_version.id",
        read_only=True,
    )
    customer_id: Mapped[UUID | None] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        references="customer.id",
        read_only=True,
        sensitivity=_RESPONDENT,
        description="Empty where somebody answered by a link that everybody gets",
    )
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"),
        label=msg("Contact"),
        references="contact.id",
        read_only=True,
        index=True,
        sensitivity=_RESPONDENT,
    )
    state: Mapped[str] = field(
        ChoiceKind((Option(STARTED, msg("Begun")), Option(SUBMITTED, msg("Handed in")))),
        label=msg("State"),
        required=True,
        default=STARTED,
        read_only=True,
    )
    started_at: Mapped[datetime] = field(InstantKind(), label=msg("Begun at"), required=True, read_only=True)
    submitted_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Handed in at"), read_only=True)
    source: Mapped[str] = field(
        ChoiceKind((Option(PAGE, msg("By the customer")), Option(MEMBER, msg("Entered by a member")))),
        label=msg("Source"),
        required=True,
        default=PAGE,
        read_only=True,
    )
    entered_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Entered by"),
        references="member.id",
        read_only=True,
        description="Whoever wrote it down for the customer",
    )
    satisfaction: Mapped[Decimal | None] = field(
        DecimalKind(Decimal(1), Decimal(5)),
        label=msg("Satisfaction"),
        read_only=True,
        description="The mean of the levels answered, from 5 (very satisfied) to 1 (not satisfied)",
    )
    nps: Mapped[int | None] = field(IntegerKind(0, 10), label=msg("Would recommend, 0 to 10"), read_only=True)
    unhappy: Mapped[bool] = field(
        FlagKind(), label=msg("Unhappy"), required=True, default=False, read_only=True
    )
    request_id: Mapped[UUID | None] = field(
        ReferenceKind("service_request"),
        label=msg("Service request"),
        references="service_request.id",
        read_only=True,
        index=True,
        sensitivity=_RESPONDENT,
        description="What was opened because of this answer",
    )

    invitation: Mapped[SurveyInvitation] = relation(
        "SurveyInvitation", label=msg("Survey invitation"), foreign_key="SurveyAnswer.invitation_id"
    )
    questionnaire: Mapped[Questionnaire] = relation(
        "Questionnaire", label=msg("Questionnaire"), foreign_key="SurveyAnswer.questionnaire_id"
    )
    questionnaire_version: Mapped[QuestionnaireVersion] = relation(
        "QuestionnaireVersion",
        label=msg("Version of a questionnaire"),
        foreign_key="SurveyAnswer.version_id",
    )
    customer: Mapped[Customer | None] = relation(
        "Customer", label=msg("Customer"), foreign_key="SurveyAnswer.customer_id"
    )
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="SurveyAnswer.contact_id"
    )
    entered_by: Mapped[Member | None] = relation(
        "Member", label=msg("Entered by"), foreign_key="SurveyAnswer.entered_by_id"
    )
    request: Mapped[ServiceRequest | None] = relation(
        "ServiceRequest", label=msg("Service request"), foreign_key="SurveyAnswer.request_id"
    )
    item_answers: Mapped[list[SurveyItemAnswer]] = relation(
        "SurveyItemAnswer", label=msg("Answers to the questions"), foreign_key="SurveyItemAnswer.answer_id"
    )

    __table_args__ = (
        Index("uq_survey_answer_invitation_id", "invitation_id", unique=True),
        Index("ix_survey_answer_customer_id", "customer_id", "started_at", "id"),
        Index("ix_survey_answer_questionnaire_id", "questionnaire_id", "submitted_at", "id"),
        Index("ix_survey_answer_version_id", "version_id"),
    )


class SurveyItemAnswer(Record):
    """What was answered to one question."""

    __tablename__ = "survey_item_answer"
    __prefix__ = "sia"
    __labels__ = (msg("Answer to a question"), msg("Answers to questions"))
    __owner__ = ("answer", "customer", "owner_id")
    __actions__ = frozenset()

    answer_id: Mapped[UUID] = field(
        ReferenceKind("survey_answer"),
        label=msg("Survey answer"),
        required=True,
        references="survey_answer.id",
        read_only=True,
    )
    item_id: Mapped[UUID] = field(
        ReferenceKind("survey_item"),
        label=msg("Question"),
        required=True,
        references="survey_item.id",
        read_only=True,
        index=True,
    )
    level: Mapped[str | None] = field(ChoiceKind(LEVELS), label=msg("Level"), read_only=True)
    number: Mapped[Decimal | None] = field(DecimalKind(), label=msg("Number"), read_only=True)
    choice: Mapped[str | None] = field(TextKind(40), label=msg("Choice"), read_only=True)
    day: Mapped[date | None] = field(DayKind(), label=msg("Day"), read_only=True)
    text: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Text"), sort=False, read_only=True
    )
    comment: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Comment"), sort=False, read_only=True
    )

    answer: Mapped[SurveyAnswer] = relation(
        "SurveyAnswer", label=msg("Survey answer"), foreign_key="SurveyItemAnswer.answer_id"
    )
    item: Mapped[SurveyItem] = relation(
        "SurveyItem", label=msg("Question"), foreign_key="SurveyItemAnswer.item_id"
    )

    __table_args__ = (Index("uq_survey_item_answer_answer_id_item_id", "answer_id", "item_id", unique=True),)


contribute(
    Customer,
    "survey_invitations",
    relation("SurveyInvitation", label=msg("Survey invitations"), foreign_key="SurveyInvitation.customer_id"),
)
contribute(
    Customer,
    "survey_answers",
    relation("SurveyAnswer", label=msg("Survey answers"), foreign_key="SurveyAnswer.customer_id"),
)
contribute(
    ServiceRequest,
    "survey_answers",
    relation("SurveyAnswer", label=msg("Survey answers"), foreign_key="SurveyAnswer.request_id"),
)
