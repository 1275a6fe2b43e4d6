"""What sends a survey out by itself: a service request is closed, a delivery has been made (V3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.dispatch import Invited, Invitee, asking, invite, is_asked
from kedang_tenants.surveys.models import DELIVERY_MADE, REQUEST_CLOSED

DISPATCH: Final = "surveys.dispatch"
LATEST_AFTER: Final = timedelta(days=7)
"""A delivery that was made longer ago (old data, imported) asks nobody anything."""
_RECEIVED: Final = "RECEIVED"

# Looked at when the job runs: what has been reopened or taken back meanwhile asks nobody.
_CLOSED = """
SELECT r.id, r.customer_id, r.contact_id FROM service_request r JOIN customer c ON c.id = r.customer_id
WHERE r.id = ANY($1::uuid[]) AND r.state = 'CLOSED' AND r.archived_at IS NULL AND c.archived_at IS NULL
ORDER BY r.id
"""
_DELIVERED = """
SELECT d.id, o.customer_id, NULL::uuid AS contact_id
FROM delivery d JOIN sales_order o ON o.id = d.order_id JOIN customer c ON c.id = o.customer_id
WHERE d.id = ANY($1::uuid[]) AND d.state = 'RECEIVED' AND d.archived_at IS NULL AND c.archived_at IS NULL
  AND coalesce(d.delivered_on, $2::date) BETWEEN $3::date AND $2::date
ORDER BY d.id
"""
_RECORDS: Final[Mapping[str, str]] = MappingProxyType(
    {REQUEST_CLOSED: "service_request", DELIVERY_MADE: "delivery"}
)


@subscribe("service_request.closed")
async def ask_after_service(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """Each closed request invites once, however often it is closed."""
    await _ask_later(write, REQUEST_CLOSED, [event.record_id for event in events])


@subscribe("delivery.created", "delivery.updated")
async def ask_after_delivery(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A delivery invites when it has been received."""
    received = [event.record_id for event in events if event.changes.get("state", ())[-1:] == [_RECEIVED]]
    await _ask_later(write, DELIVERY_MADE, received)


async def _ask_later(write: TenantWrite, trigger: str, subjects: Sequence[UUID]) -> None:
    if subjects and await is_asked(write, trigger):
        ids = [str(subject) for subject in sorted(set(subjects))]
        await enqueue(write, NewJob(DISPATCH, {"trigger": trigger, "subjects": ids}))


async def dispatch_part(
    write: TenantWrite,
    viewer: Viewer,
    *,
    trigger: str,
    subjects: Sequence[UUID],
    secret: SecretKey,
    clock: Clock,
) -> Invited:
    """Invite for these requests or deliveries by every active questionnaire of the trigger."""
    invitees = await _invitees(write, viewer, trigger, subjects, clock)
    invited = Invited()
    for asked in await asking(write, questionnaire_id=None, trigger=trigger) if invitees else ():
        invited += await invite(
            write, viewer, asked, invitees, secret=secret, due_at=clock.now(), clock=clock
        )
    return invited


async def _invitees(
    read: TenantRead, viewer: Viewer, trigger: str, subjects: Sequence[UUID], clock: Clock
) -> list[Invitee]:
    if trigger == REQUEST_CLOSED:
        rows = await read.fetch(_CLOSED, subjects)
    else:
        today = viewer.today(clock)
        rows = await read.fetch(_DELIVERED, subjects, today, today - LATEST_AFTER)
    prefix = catalogue().record(_RECORDS[trigger]).prefix
    named = ((row, f"{prefix}_{row['id'].hex}") for row in rows)
    return [
        Invitee(row["customer_id"], occasion=subject, contact_id=row["contact_id"], subject=subject)
        for row, subject in named
    ]
