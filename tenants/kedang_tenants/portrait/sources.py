"""What a customer's timeline is made of: ``SOURCES`` is the one place where a feature enters it (A21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Option, catalogue
from kedang_tenants.followups.meetings import NO_MINUTES
from kedang_tenants.followups.models import WAYS
from kedang_tenants.portrait import wording
from kedang_tenants.portrait.wording import Tell
from kedang_tenants.reading import EVERYTHING, All, Compare, Filter, Related, Select
from kedang_tenants.service.models import FROM_CUSTOMER, TO_CUSTOMER

KINDS: Final = (
    *WAYS,
    Option("ORDER", msg("Order")),
    Option("SHIPMENT", msg("Shipment")),
    Option("DELIVERY", msg("Delivery")),
    Option("CONTRACT_SIGNED", msg("Contract signed")),
    Option("CONTRACT_TERMINATED", msg("Contract terminated")),
    Option("MEETING_HELD", msg("Meeting with minutes")),
    Option("GRADE", msg("Grade")),
    Option("REQUEST_OPENED", msg("Service request opened")),
    Option("REQUEST_SOLVED", msg("Service request solved")),
    Option("REQUEST_CLOSED", msg("Service request closed")),
    Option("NOTE_TO_CUSTOMER", msg("Word to the customer")),
    Option("NOTE_FROM_CUSTOMER", msg("Word from the customer")),
    Option("REPAIR", msg("Repair")),
    Option("SURVEY_SENT", msg("Survey sent")),
    Option("SURVEY_ANSWERED", msg("Survey answered")),
    Option("FILE", msg("File")),
    Option("ARCHIVE_OPENED", msg("Archive opened")),
    Option("OWNER_CHANGED", msg("Owner changed")),
)
"""Every kind of entry, with what people call it."""

OfCustomer = Callable[[UUID], Filter]


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of record on the timeline: when it happened, whose it is, how it is told.

    ``at`` is the field of the day or the instant; a record without it is not on the timeline. ``member``
    is the field of whoever did it. Where ``kind_field`` is said, its value is the kind of the entry.
    """

    kinds: tuple[str, ...]
    record: str
    at: str
    of: OfCustomer
    tell: Tell
    select: Select
    member: str | None = None
    kind_field: str | None = None
    only: Filter = EVERYTHING

    @property
    def name(self) -> str:
        """What tells this source from the others in a cursor; it never changes."""
        return f"{self.record}.{self.at}.{self.kinds[0]}"


def _own(customer: UUID) -> Filter:
    return Compare("customer_id", "eq", customer)


def _through(relation: str) -> OfCustomer:
    """Through another record of the customer, as long as that one stands."""
    stands = Compare("archived_at", "is_null", value=True)
    return lambda customer: Related(relation, All((_own(customer), stands)))


def _attached(customer: UUID) -> Filter:
    return Compare("attached_to", "eq", f"{catalogue().record('customer').prefix}_{customer.hex}")


def _itself(customer: UUID) -> Filter:
    return Compare("id", "eq", customer)


def _fields(*names: str, **one: tuple[str, ...]) -> Select:
    return Select(names, tuple((relation, Select(inner)) for relation, inner in one.items()))


def _request(kind: str, at: str, tell: Tell) -> Source:
    select = _fields("number", "title", "description", "result")
    return Source((kind,), "service_request", at, _own, tell, select, member="owner_id")


def _note(kind: str, code: str, tell: Tell) -> Source:
    select, only = _fields("text", request=("number",)), Compare("kind", "eq", code)
    return Source((kind,), "service_note", "at", _through("request"), tell, select, "member_id", only=only)


def _delivery(kind: str, at: str, tell: Tell) -> Source:
    select = _fields("number", "carrier", "note", order=("number",))
    return Source((kind,), "delivery", at, _through("order"), tell, select)


SOURCES: Final = (
    Source(
        ("ORDER",), "order", "ordered_on", _own, wording.order,
        _fields("number", "state", "total", "currency", "note"), "seller_id",
    ),
    Source(
        ("CONTRACT_SIGNED",), "contract", "signed_on", _own, wording.contract_signed,
        _fields("number", "title", "note"), "owner_id",
    ),
    Source(
        ("CONTRACT_TERMINATED",), "contract", "terminated_on", _own, wording.contract_terminated,
        _fields("number", "title", "termination_reason"), "owner_id",
    ),
    _delivery("SHIPMENT", "shipped_on", wording.shipment),
    _delivery("DELIVERY", "delivered_on", wording.delivery),
    Source(
        tuple(way.code for way in WAYS), "follow_up_record", "at", _own, wording.follow_up,
        _fields("way", "reached", "duration_minutes", "content", "result", contact=("name",)), "member_id", "way",
    ),
    Source(  # once its minutes are written: until then nobody has said that it took place
        ("MEETING_HELD",), "meeting", "starts_at", _own, wording.meeting,
        _fields("subject", "minutes", "decisions"), "organiser_id",
        only=Compare("minutes_state", "ne", NO_MINUTES),
    ),
    Source(
        ("GRADE",), "customer_grade", "graded_at", _own, wording.grade,
        _fields("explanation", level=("name",), scheme=("name",)),
    ),
    _request("REQUEST_OPENED", "opened_at", wording.request_opened),
    _request("REQUEST_SOLVED", "solved_at", wording.request_solved),
    _request("REQUEST_CLOSED", "closed_at", wording.request_closed),
    _note("NOTE_TO_CUSTOMER", TO_CUSTOMER, wording.note_to_customer),
    _note("NOTE_FROM_CUSTOMER", FROM_CUSTOMER, wording.note_from_customer),
    Source(
        ("REPAIR",), "repair_record", "repaired_on", _own, wording.repair,
        _fields("serial_number", "fault", "work_done", product=("name",)), "technician_id",
    ),
    Source(
        ("SURVEY_SENT",), "survey_invitation", "sent_at", _own, wording.survey_sent,
        _fields(contact=("name",), questionnaire=("name",)),
    ),
    Source(
        ("SURVEY_ANSWERED",), "survey_answer", "submitted_at", _own, wording.survey_answered,
        _fields("satisfaction", "nps", questionnaire=("name",)), "entered_by_id",
    ),
    Source(
        ("FILE",), "file", "created_at", _attached, wording.file, _fields("name"), "uploaded_by_id",
        only=Compare("state", "eq", "STORED"),
    ),
    Source(("ARCHIVE_OPENED",), "customer", "created_at", _itself, wording.archive_opened, _fields("number")),
)  # fmt: skip
"""The records on the timeline. A feature that has something to tell of customers adds a line here."""
