"""Moving what a leaver had in hand, a part at a time (A12).

Each part is one transaction and finds what is still there, so that repeating one moves nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.parts import Part
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.models import MANUAL, PLANNED
from kedang_tenants.handover.models import HANDED_OVER, NOT_WANTED, WAITING
from kedang_tenants.reading import Viewer

MOVE: Final = "handover.move"
"""The kind of job that moves what ``handover`` names."""
TELL: Final = "handover.tell"
"""The kind of job that tells customers, successors and those who sign."""

CHUNK: Final = 200

_PURPOSE = msg("First contact after the handover from {leaver}")

_HANDOVER = """
SELECT h.id, h.member_id, h.successor_id, h.tell_customers, h.contact_by, h.shares, m.name AS leaver, m.superior_id
FROM handover h JOIN member m ON m.id = h.member_id WHERE h.id = $1 AND h.state = 'RUNNING'
"""
_CUSTOMERS = """
SELECT id FROM customer WHERE owner_id = $1 AND archived_at IS NULL AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3 FOR NO KEY UPDATE
"""
_PLANS_OF = """
SELECT id, customer_id FROM follow_up_plan
WHERE owner_id = $1 AND state = 'PLANNED' AND origin = 'MANUAL' AND archived_at IS NULL
  AND customer_id = ANY($2::uuid[])
"""
_REQUESTS_OF = """
SELECT id, customer_id FROM service_request
WHERE owner_id = $1 AND state NOT IN ('CLOSED', 'CANCELLED') AND archived_at IS NULL AND customer_id = ANY($2::uuid[])
"""
# What lies at other people's customers goes to these people, where they can take it.
_ELSEWHERE = """
SELECT r.id, CASE WHEN m.state = 'ACTIVE' AND m.seat = 'FULL' AND m.id <> $1 THEN m.id END AS owner_id
FROM {table} r JOIN customer c ON c.id = r.customer_id LEFT JOIN member m ON m.id = c.owner_id
WHERE r.owner_id = $1 AND {open} AND r.archived_at IS NULL ORDER BY r.id LIMIT {chunk}
"""
_OPEN_PLANS = _ELSEWHERE.format(table="follow_up_plan", open="r.state = 'PLANNED'", chunk=CHUNK)
_OPEN_REQUESTS = _ELSEWHERE.format(
    table="service_request", open="r.state NOT IN ('CLOSED', 'CANCELLED')", chunk=CHUNK
)
_OPEN_OF_CUSTOMERS = """
SELECT r.id, {customer} AS customer_id FROM {table} r {join}
WHERE r.{column} = $1 AND {open} AND r.archived_at IS NULL ORDER BY r.id
"""
_LIVING = "SELECT id FROM {table} WHERE {column} = $1 AND archived_at IS NULL ORDER BY id"

TO_THE_SUCCESSOR: Final = (
    ("report_definition", "owner_id"),
    ("route", "owner_id"),
    ("segment", "owner_id"),
    ("webhook", "owner_id"),
    ("service_assignment", "member_id"),
)
"""What goes to the successor as it is: record and the column that names whose it is."""

STILL_OPEN: Final = (
    ("contract", "owner_id", "r.state IN ('DRAFT', 'IN_FORCE')"),
    ("demand", "owner_id", "r.state = 'OPEN'"),
    ("quotation", "owner_id", "r.state IN ('DRAFT', 'SENT')"),
    ("meeting", "organiser_id", "r.minutes_state <> 'REVIEWED'"),
    ("meeting_action", "owner_id", "r.done_on IS NULL"),
)
"""What goes to the customer's successor while it is open: record, column, and when it is; what is done stays."""

WAITING_FOR: Final = (
    (
        "daily_report",
        "manager_id",
        (
            "t.id IN (SELECT report_id FROM daily_report_card WHERE settlement = 'OPEN' AND archived_at IS NULL)"
            " AND t.member_id <> $2"
        ),
    ),
    (
        "daily_report",
        "recipient_id",
        (
            "t.state = 'SUBMITTED' AND t.kind = 'DAILY' AND t.gathered_in_id IS NULL"
            " AND t.recipient_id IS DISTINCT FROM t.manager_id AND t.member_id <> $2"
        ),
    ),
)
"""What waits for the leaver waits for the successor: record, column, and when it does; nothing waits for its own writer ($2)."""

ENDED: Final = (("customer_collaborator", "member_id"), ("report_recipient", "member_id"))
"""What ends with the leaver: record and column."""


@dataclass(frozen=True, slots=True)
class Handing:
    """A handover as the job knows it."""

    id: UUID
    leaver_id: UUID
    leaver: str
    superior_id: UUID | None
    successor_id: UUID
    shares: Mapping[UUID, UUID]
    row: asyncpg.Record

    def successor_of(self, customer_id: UUID) -> UUID:
        return self.shares.get(customer_id, self.successor_id)


async def load_handing(read: TenantRead, handover_id: UUID) -> Handing | None:
    """The handover that is still under way; None when it has ended."""
    row = await read.fetchrow(_HANDOVER, handover_id)
    if row is None:
        return None
    shares = {UUID(customer): UUID(member) for customer, member in orjson.loads(row["shares"]).items()}
    return Handing(
        id=row["id"],
        leaver_id=row["member_id"],
        leaver=row["leaver"],
        superior_id=row["superior_id"],
        successor_id=row["successor_id"],
        shares=shares,
        row=row,
    )


async def count_customers(read: TenantRead, handover_id: UUID) -> int:
    """How many customers the leaver still has."""
    return int(
        await read.fetchval(
            "SELECT count(*) FROM customer c JOIN handover h ON h.member_id = c.owner_id"
            " WHERE h.id = $1 AND c.archived_at IS NULL",
            handover_id,
        )
    )


async def move_part(
    write: TenantWrite, viewer: Viewer, *, handover_id: UUID, after: UUID | None, clock: Clock
) -> Part:
    """Move the next customers behind ``after`` with what belongs to them; after the last ones, all the rest."""
    handing = await load_handing(write, handover_id)
    if handing is None:
        return Part(last=None, seen=0, changed=0)
    rows = await write.fetch(_CUSTOMERS, handing.leaver_id, after, CHUNK)
    ids = [row["id"] for row in rows]
    await _move_customers(write, viewer, handing, ids, clock)
    if len(ids) == CHUNK:
        return Part(last=ids[-1], seen=len(ids), changed=len(ids))
    await _move_elsewhere(write, viewer, handing, clock)
    await _move_rest(write, viewer, handing, clock)
    await _finish(write, viewer, handing, clock)
    return Part(last=None, seen=len(ids), changed=len(ids))


async def _move_customers(
    write: TenantWrite, viewer: Viewer, handing: Handing, ids: Sequence[UUID], clock: Clock
) -> None:
    if not ids:
        return
    plans = await write.fetch(_PLANS_OF, handing.leaver_id, list(ids))
    requests = await write.fetch(_REQUESTS_OF, handing.leaver_id, list(ids))
    changes = [
        *(_given("customer", customer, handing.successor_of(customer)) for customer in ids),
        *(_given("follow_up_plan", row["id"], handing.successor_of(row["customer_id"])) for row in plans),
        *(_given("service_request", row["id"], handing.successor_of(row["customer_id"])) for row in requests),
        *(_noted(handing, customer) for customer in ids),
        *(_first_contact(viewer, handing, customer) for customer in ids),
    ]
    await change_internally(write, viewer, changes, clock=clock)
    await _count(
        write,
        viewer,
        handing,
        clock,
        customers_moved=len(ids),
        plans_moved=len(plans),
        requests_moved=len(requests),
    )


def _given(record: str, record_id: UUID, owner: UUID, column: str = "owner_id") -> Change:
    return Change(record, "update", record_id, values={column: owner})


def _noted(handing: Handing, customer: UUID) -> Change:
    values = {
        "handover_id": handing.id,
        "customer_id": customer,
        "successor_id": handing.successor_of(customer),
        "told": WAITING if handing.row["tell_customers"] else NOT_WANTED,
    }
    return Change("handed_customer", "create", values=values)


def _first_contact(viewer: Viewer, handing: Handing, customer: UUID) -> Change:
    language: Language = "zh-CN" if viewer.language == "zh-CN" else "en"
    values = {
        "customer_id": customer,
        "owner_id": handing.successor_of(customer),
        "due_on": handing.row["contact_by"],
        "purpose": translate(_PURPOSE, language, {"leaver": handing.leaver}),
        "state": PLANNED,
        "origin": MANUAL,
    }
    return Change("follow_up_plan", "create", values=values)


async def _move_elsewhere(write: TenantWrite, viewer: Viewer, handing: Handing, clock: Clock) -> None:
    """Plans and requests at other people's customers."""
    for record, statement, counted in (
        ("follow_up_plan", _OPEN_PLANS, "plans_moved"),
        ("service_request", _OPEN_REQUESTS, "requests_moved"),
    ):
        while rows := await write.fetch(statement, handing.leaver_id):
            given = [_given(record, row["id"], row["owner_id"] or handing.successor_id) for row in rows]
            await change_internally(write, viewer, given, clock=clock)
            await _count(write, viewer, handing, clock, **{counted: len(given)})


async def _move_rest(write: TenantWrite, viewer: Viewer, handing: Handing, clock: Clock) -> None:
    """What has no customer: reports, webhooks, assignments, subordinates; what ends with the leaver ends."""
    changes: list[Change] = []
    for record, column in TO_THE_SUCCESSOR:
        ids = await _living(write, record, column, handing.leaver_id)
        changes += [_given(record, each, handing.successor_id, column) for each in ids]
    for record, column, waits in WAITING_FOR:
        sql = f"SELECT t.id FROM {record} t WHERE t.{column} = $1 AND t.archived_at IS NULL AND {waits} ORDER BY t.id"
        found = await write.fetch(sql, handing.leaver_id, handing.successor_id)
        changes += [_given(record, row["id"], handing.successor_id, column) for row in found]
    for record, column in ENDED:
        changes += [
            Change(record, "archive", each)
            for each in await _living(write, record, column, handing.leaver_id)
        ]
    changes += await _still_open(write, handing)
    changes += await _subordinates(write, handing)
    for change in changes:
        await change_internally(write, viewer, [change], clock=clock)
    await _count(write, viewer, handing, clock, others_moved=len(changes))


async def _living(read: TenantRead, table: str, column: str, member: UUID) -> list[UUID]:
    return [row["id"] for row in await read.fetch(_LIVING.format(table=table, column=column), member)]


async def _still_open(read: TenantRead, handing: Handing) -> list[Change]:
    """Contracts, meetings and their actions that are not done: to whoever has their customer now."""
    changes = []
    for record, column, is_open in STILL_OPEN:
        below = record == "meeting_action"
        statement = _OPEN_OF_CUSTOMERS.format(
            table=record,
            column=column,
            open=is_open,
            customer="m.customer_id" if below else "r.customer_id",
            join="JOIN meeting m ON m.id = r.meeting_id" if below else "",
        )
        for row in await read.fetch(statement, handing.leaver_id):
            successor = handing.successor_of(row["customer_id"])
            changes.append(_given(record, row["id"], successor, column))
    return changes


async def _subordinates(read: TenantRead, handing: Handing) -> list[Change]:
    """They report to the leaver's superior; where there was none, the successor does not take them over unasked."""
    ids = await _living(read, "member", "superior_id", handing.leaver_id)
    return [
        Change(
            "member",
            "update",
            each,
            values={"superior_id": handing.superior_id if each != handing.superior_id else None},
        )
        for each in ids
    ]


async def _count(write: TenantWrite, viewer: Viewer, handing: Handing, clock: Clock, **moved: int) -> None:
    """Add to what the handover says has been moved."""
    columns = ", ".join(moved)
    row = await write.fetchrow(f"SELECT {columns} FROM handover WHERE id = $1 FOR UPDATE", handing.id)
    assert row is not None, "the handover is under way"
    values = {name: row[name] + more for name, more in moved.items() if more}
    if values:
        await change_internally(
            write, viewer, [Change("handover", "update", handing.id, values=values)], clock=clock
        )


async def _finish(write: TenantWrite, viewer: Viewer, handing: Handing, clock: Clock) -> None:
    values = {"state": HANDED_OVER, "moved_at": clock.now()}
    await change_internally(
        write, viewer, [Change("handover", "update", handing.id, values=values)], clock=clock
    )
    await enqueue(write, NewJob(TELL, {"handover": str(handing.id)}, key=f"{TELL}:{handing.id}"))
