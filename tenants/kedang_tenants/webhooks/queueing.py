"""From events to deliveries: one for each webhook that asked for it, those of one record one after the other.

A delivery with a job is on its way; one without is held back until the one before it, of the same
record to the same webhook, has come to its end. Tests hold back nothing, and neither a test nor what is
sent again lets anything go while another is on its way. Whoever makes deliveries and whoever ends them hold
the webhook's row, so that none is forgotten between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.priorities import BULK
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Event, subscribe
from kedang_tenants.reading import Viewer
from kedang_tenants.webhooks.models import EVENTS, NOTICE, code_of

DELIVER: Final = "webhooks.deliver"

_ASKING: Final = """
SELECT id FROM webhook WHERE active AND archived_at IS NULL AND events @> ARRAY[$1::text] ORDER BY id FOR SHARE
"""
# A notice is told to its member's own webhooks, unless the member wants none of its kind there (T10).
_ASKING_FOR_NOTICES: Final = """
SELECT w.id, n.id AS notice_id FROM webhook w
JOIN notice n ON n.member_id = w.owner_id AND n.id = ANY($2::uuid[])
LEFT JOIN notice_preference p ON p.member_id = n.member_id AND p.kind = n.kind AND p.archived_at IS NULL
WHERE w.active AND w.archived_at IS NULL AND w.events @> ARRAY[$1::text] AND coalesce(p.webhook, true)
ORDER BY w.id FOR SHARE OF w
"""
_INSERT: Final = """
INSERT INTO webhook_delivery (id, version, created_at, updated_at, custom, webhook_id, event, about, state, attempts,
                              sequence)
SELECT id, 1, $1, $1, '{}', webhook_id, $2, about, 'WAITING', 0, sequence
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bigint[]) AS made (id, webhook_id, about, sequence)
ON CONFLICT (webhook_id, sequence) WHERE sequence IS NOT NULL DO NOTHING
"""
_FIRST: Final = """
SELECT d.id FROM webhook_delivery d WHERE d.id = ANY($1::uuid[]) AND NOT EXISTS (
    SELECT 1 FROM webhook_delivery b
    WHERE b.webhook_id = d.webhook_id AND b.about = d.about AND b.state = 'WAITING' AND b.id <> d.id
      AND b.sequence IS NOT NULL
      AND (b.sequence < d.sequence OR b.id <> ALL($1::uuid[])))
ORDER BY d.sequence
"""
_STARTED: Final = """
UPDATE webhook_delivery d SET job_id = started.job_id, next_try_at = $3
FROM unnest($1::uuid[], $2::uuid[]) AS started (id, job_id) WHERE d.id = started.id
"""
_NEXT: Final = """
SELECT d.id FROM webhook_delivery d
WHERE d.webhook_id = $1 AND d.about = $2 AND d.state = 'WAITING' AND d.job_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM webhook_delivery b
    WHERE b.webhook_id = $1 AND b.about = $2 AND b.state = 'WAITING' AND b.job_id IS NOT NULL AND b.sequence IS NOT NULL)
ORDER BY d.sequence LIMIT 1
"""


@subscribe(*EVENTS)
async def queue_deliveries(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], clock: Clock
) -> None:
    """Note for every webhook that asked for these events what it is to be told, and have it told."""
    name = events[0].name
    asked = await _asked_for(write, name, events)
    if not asked:
        return
    prefix = catalogue().record(name.partition(".")[0]).prefix
    rows = [
        (new_id(), webhook, f"{prefix}_{event.record_id.hex}", event.sequence) for event, webhook in asked
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await write.fetch(_INSERT, clock.now(), name, *columns)
    first = await write.fetch(_FIRST, columns[0])
    await send_now(write, [row["id"] for row in first], now=clock.now())


async def _asked_for(write: TenantWrite, name: str, events: Sequence[Event]) -> list[tuple[Event, UUID]]:
    """Each event with each webhook that asked for it."""
    if name != NOTICE:
        webhooks = [row["id"] for row in await write.fetch(_ASKING, code_of(name))]
        return [(event, webhook) for event in events for webhook in webhooks]
    by_notice = {event.record_id: event for event in events}
    found = await write.fetch(_ASKING_FOR_NOTICES, code_of(name), list(by_notice))
    return [(by_notice[row["notice_id"]], row["id"]) for row in found]


async def send_now(write: TenantWrite, deliveries: Sequence[UUID], *, now: datetime) -> None:
    """Have these deliveries tried as soon as may be."""
    await send_at(write, deliveries, at=now, due_at=None)


async def send_at(
    write: TenantWrite, deliveries: Sequence[UUID], *, at: datetime, due_at: datetime | None
) -> None:
    """Have these deliveries tried at ``at``; ``due_at`` is None where that is now."""
    if not deliveries:
        return
    jobs = [NewJob(DELIVER, {"delivery": str(one)}, due_at=due_at, priority=BULK) for one in deliveries]
    await write.fetch(_STARTED, list(deliveries), await enqueue(write, *jobs), at)


async def send_next(write: TenantWrite, *, webhook_id: UUID, about: str, now: datetime) -> None:
    """Let go what waited for a delivery that has come to its end; the webhook's row is held."""
    following = await write.fetchval(_NEXT, webhook_id, about)
    await send_now(write, [following] if following else [], now=now)
