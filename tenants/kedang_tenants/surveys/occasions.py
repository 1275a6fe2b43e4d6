"""What sends a survey out by itself (V3): a request is closed, something was bought, a product is maintained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.dispatch import CHUNK, Asking, Invited, Invitee, asking, invite
from kedang_tenants.surveys.models import (
    DELIVERY_MADE,
    MAINTENANCE_DONE,
    MAINTENANCE_DUE,
    ORDER_PLACED,
    REQUEST_CLOSED,
)
from kedang_tenants.surveys.subjects import subject_of

DISPATCH: Final = "surveys.dispatch"
LOOK_FOR_MAINTENANCE: Final = "surveys.maintenance"
LATEST_AFTER: Final = timedelta(days=7)
"""What happened longer ago, beside the delay of the questionnaire (old data, imported), asks nobody anything."""
_RECEIVED: Final = "RECEIVED"


@dataclass(frozen=True, slots=True)
class _Occasion:
    """Rows ``id, customer_id, contact_id, occurrence`` of what still is so; ``$2`` is the earliest day, ``$3`` today.

    ``occurrence`` tells one occasion of the same subject from the next; without it there is only one.
    """

    record: str
    select: str
    of_kinds: bool = False


# Looked at when the job runs: what has been reopened, taken back or put away meanwhile asks nobody.
_CLOSED = _Occasion(
    "service_request",
    """
SELECT r.id, r.customer_id, r.contact_id, NULL::date AS occurrence
FROM service_request r JOIN customer c ON c.id = r.customer_id
WHERE r.id = ANY($1::uuid[]) AND r.state = 'CLOSED' AND r.archived_at IS NULL AND c.archived_at IS NULL
  AND ($2::date IS NOT NULL AND $3::date IS NOT NULL) AND ($4::text[] IS NULL OR r.kind = ANY($4::text[]))
ORDER BY r.id
""",
    of_kinds=True,
)
_DELIVERED = _Occasion(
    "delivery",
    """
SELECT d.id, o.customer_id, NULL::uuid AS contact_id, NULL::date AS occurrence
FROM delivery d JOIN sales_order o ON o.id = d.order_id JOIN customer c ON c.id = o.customer_id
WHERE d.id = ANY($1::uuid[]) AND d.state = 'RECEIVED' AND d.archived_at IS NULL AND c.archived_at IS NULL
  AND coalesce(d.delivered_on, $3::date) BETWEEN $2::date AND $3::date
ORDER BY d.id
""",
)
_ORDERED = _Occasion(
    "order",
    """
SELECT o.id, o.customer_id, NULL::uuid AS contact_id, NULL::date AS occurrence
FROM sales_order o JOIN customer c ON c.id = o.customer_id
WHERE o.id = ANY($1::uuid[]) AND o.state <> 'CANCELLED' AND o.archived_at IS NULL AND c.archived_at IS NULL
  AND o.ordered_on BETWEEN $2::date AND $3::date
ORDER BY o.id
""",
)
_MAINTAINED = _Occasion(
    "owned_product",
    """
SELECT p.id, p.customer_id, NULL::uuid AS contact_id, p.last_serviced_on AS occurrence
FROM owned_product p JOIN customer c ON c.id = p.customer_id
WHERE p.id = ANY($1::uuid[]) AND p.retired_on IS NULL AND p.archived_at IS NULL AND c.archived_at IS NULL
  AND p.last_serviced_on BETWEEN $2::date AND $3::date
ORDER BY p.id
""",
)
_OCCASIONS: Final[Mapping[str, _Occasion]] = MappingProxyType(
    {
        REQUEST_CLOSED: _CLOSED,
        DELIVERY_MADE: _DELIVERED,
        ORDER_PLACED: _ORDERED,
        MAINTENANCE_DONE: _MAINTAINED,
    }
)
_WAITING_FOR = "SELECT id, delay_days FROM questionnaire WHERE active AND archived_at IS NULL AND trigger = $1 ORDER BY id"


@subscribe("service_request.closed")
async def ask_after_service(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """Each closed request invites once, however often it is closed."""
    await _ask_later(write, REQUEST_CLOSED, events)


@subscribe("delivery.created", "delivery.updated")
async def ask_after_delivery(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A delivery invites when it has been received."""
    received = [event for event in events if event.changes.get("state", ())[-1:] == [_RECEIVED]]
    await _ask_later(write, DELIVERY_MADE, received)


@subscribe("order.created")
async def ask_after_order(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """An order invites once, unless it was cancelled before the delay was over."""
    await _ask_later(write, ORDER_PLACED, events)


@subscribe("owned_product.created", "owned_product.updated")
async def ask_after_maintenance(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A product invites once for each day on which it was serviced."""
    serviced = [event for event in events if any(event.changes.get("last_serviced_on", ())[-1:])]
    await _ask_later(write, MAINTENANCE_DONE, serviced)


async def _ask_later(write: TenantWrite, trigger: str, events: Sequence[Event]) -> None:
    """A job for each questionnaire that waits for this, due when its delay is over, counted from what happened."""
    if not events:
        return
    waiting = await write.fetch(_WAITING_FOR, trigger)
    subjects: dict[datetime, set[UUID]] = defaultdict(set)
    for event in events:
        subjects[event.at].add(event.record_id)
    jobs = [
        NewJob(
            DISPATCH,
            {
                "trigger": trigger,
                "subjects": [str(subject) for subject in sorted(ids)],
                "questionnaire": str(row["id"]),
            },
            due_at=at + timedelta(days=row["delay_days"]) if row["delay_days"] else None,
        )
        for row in waiting
        for at, ids in sorted(subjects.items())
    ]
    await enqueue(write, *jobs)


async def dispatch_part(
    write: TenantWrite,
    viewer: Viewer,
    *,
    trigger: str,
    subjects: Sequence[UUID],
    questionnaire_id: UUID | None = None,
    secret: SecretKey,
    clock: Clock,
) -> Invited:
    """Invite for these subjects by every active questionnaire of the trigger, or by the one that is named."""
    invited = Invited()
    for asked in await asking(write, questionnaire_id=questionnaire_id, trigger=trigger):
        invitees = await _invitees(write, viewer, trigger, asked, subjects, clock)
        invited += await invite(
            write, viewer, asked, invitees, secret=secret, due_at=clock.now(), clock=clock
        )
    return invited


async def _invitees(
    read: TenantRead, viewer: Viewer, trigger: str, asked: Asking, subjects: Sequence[UUID], clock: Clock
) -> list[Invitee]:
    occasion = _OCCASIONS[trigger]
    today = viewer.today(clock)
    arguments: list[object] = [list(subjects), today - LATEST_AFTER - asked.delay, today]
    if occasion.of_kinds:
        arguments.append(asked.request_kinds)
    rows = await read.fetch(occasion.select, *arguments)
    named = ((row, subject_of(occasion.record, row["id"])) for row in rows)
    return [
        Invitee(
            row["customer_id"],
            occasion=_named(subject, row["occurrence"]),
            contact_id=row["contact_id"],
            subject=subject,
        )
        for row, subject in named
    ]


def _named(subject: str, occurrence: date | None) -> str:
    return subject if occurrence is None else f"{subject}:{occurrence.isoformat()}"


# --- Maintenance that falls due ---------------------------------------------------------------------

# Some days late are made up for; each due day of a product invites once.
_NEXT_DUE = """
SELECT p.id, p.customer_id, p.maintenance_due_on FROM owned_product p JOIN customer c ON c.id = p.customer_id
WHERE p.maintenance_due_on BETWEEN $1::date AND $2::date AND p.retired_on IS NULL
  AND p.archived_at IS NULL AND c.archived_at IS NULL AND ($3::uuid IS NULL OR p.id > $3) ORDER BY p.id LIMIT $4
"""


async def waiting_for_maintenance(read: TenantRead) -> list[UUID]:
    """The questionnaires that are sent out when maintenance falls due."""
    return [row["id"] for row in await read.fetch(_WAITING_FOR, MAINTENANCE_DUE)]


async def maintenance_part(
    write: TenantWrite,
    viewer: Viewer,
    *,
    questionnaire_id: UUID,
    after: UUID | None,
    secret: SecretKey,
    clock: Clock,
) -> Part:
    """Invite for the next ``CHUNK`` products behind the id ``after`` whose maintenance is due by the questionnaire."""
    today = viewer.today(clock)
    for asked in await asking(write, questionnaire_id=questionnaire_id, trigger=MAINTENANCE_DUE):
        last = today - asked.delay
        rows = await write.fetch(_NEXT_DUE, last - LATEST_AFTER, last, after, CHUNK)
        invitees = [_to_maintain(row["id"], row["customer_id"], row["maintenance_due_on"]) for row in rows]
        invited = await invite(write, viewer, asked, invitees, secret=secret, due_at=clock.now(), clock=clock)
        end = rows[-1]["id"] if len(rows) == CHUNK else None
        return Part(last=end, seen=len(rows), changed=invited.mailed, left_out=invited.skipped)
    return Part(last=None, seen=0, changed=0)


def _to_maintain(product: UUID, customer: UUID, day: date) -> Invitee:
    subject = subject_of("owned_product", product)
    return Invitee(customer, occasion=f"{subject}:due:{day.isoformat()}", subject=subject)
