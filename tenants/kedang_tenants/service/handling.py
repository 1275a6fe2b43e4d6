"""The steps of a request from its assignment to its closing; each is one transaction, all or nothing (S1).

Every step raises NotFound, Forbidden, Archived, WrongState, and Refused for a version that is stale.
"""

from __future__ import annotations

from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, KedangError, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import audit, visible_record
from kedang_tenants.reading import Viewer
from kedang_tenants.service import clocks
from kedang_tenants.service.assignment import CANNOT_ANSWER, able, load_desk
from kedang_tenants.service.models import (
    CANCELLED,
    CLOSED,
    FROM_CUSTOMER,
    IN_PROGRESS,
    NEW,
    OPEN_STATES,
    SOLVED,
    TO_CUSTOMER,
    WAITING,
)
from kedang_tenants.service.notes import note_reason, write_note
from kedang_tenants.service.requests import RECORD, expect, hold, hours_of, move


class AnswerFirst(KedangError):
    """Nobody waits for a customer whom they have told nothing."""


class NobodyFound(KedangError):
    """The department has nobody who could be responsible for a request."""


async def assign(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    owner_id: UUID | None = None,
    department_id: UUID | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Give an open request to a member, or to whoever's turn it is in a department; the new owner is told."""
    row = await hold(write, viewer, request_id)
    expect(row, *OPEN_STATES)
    if owner_id is None and department_id is None:
        raise BadUserInput(msg("Say a member or a department."), path=("input",))
    if department_id is not None:
        await _ensure_seen(write, viewer, "department", department_id, "departmentId")
    if owner_id is None and department_id is not None:
        chosen = (await load_desk(write)).choose_in(department_id)
        if chosen is None:
            raise NobodyFound(
                msg("Nobody in this department answers requests."), path=("input", "departmentId")
            )
        owner_id = chosen.id
    elif owner_id is not None:
        own_department = await _department_of(write, viewer, owner_id)
        department_id = department_id or own_department
    values: dict[str, object] = {"owner_id": owner_id, "department_id": department_id}
    if owner_id != row["owner_id"]:
        values["assigned_at"] = clock.now()
    await move(write, viewer, row, values, version=version, clock=clock)


async def _department_of(write: TenantWrite, viewer: Viewer, owner_id: UUID) -> UUID | None:
    """The department of somebody who can be responsible."""
    await _ensure_seen(write, viewer, "member", owner_id, "ownerId")
    departments = await able(write, [owner_id])
    if owner_id not in departments:
        raise Refused([UserError(*CANNOT_ANSWER, ("input", "ownerId"))])
    return departments[owner_id]


async def _ensure_seen(write: TenantWrite, viewer: Viewer, record: str, record_id: UUID, field: str) -> None:
    if not await visible_record(write, viewer, catalogue().record(record), record_id):
        raise NotFound(msg("There is no such record."), path=("input", field))


async def wait_for_customer(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    text: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Stop the solution clock until the customer comes back; ``text`` is what they were asked.

    Raises AnswerFirst where the customer has been told nothing so far and is told nothing now.
    """
    row = await hold(write, viewer, request_id)
    expect(row, NEW, IN_PROGRESS)
    now = clock.now()
    values = clocks.waiting(now)
    if text:
        await write_note(write, viewer, row, TO_CUSTOMER, text, clock=clock)
        values |= clocks.answered(row, now)
    elif row["first_answered_at"] is None:
        raise AnswerFirst(
            msg("Say what the customer was asked: nobody has answered them yet."), path=("input", "text")
        )
    await move(write, viewer, row, values, version=version, clock=clock)


async def resume(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    text: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Go on with a request that waited; ``text`` is what the customer said. The clock runs again."""
    row = await hold(write, viewer, request_id)
    expect(row, WAITING)
    if text:
        await write_note(write, viewer, row, FROM_CUSTOMER, text, clock=clock)
    values = clocks.resumed(await hours_of(write, viewer), row, clock.now())
    await move(write, viewer, row, values, version=version, clock=clock)


async def solve(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    result: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note the solution of an open request; both clocks end."""
    row = await hold(write, viewer, request_id)
    expect(row, *OPEN_STATES)
    values = clocks.solved(await hours_of(write, viewer), row, clock.now())
    await move(
        write, viewer, row, {**values, "result": _said(result, "result")}, version=version, clock=clock
    )


async def close(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    result: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Close a request with its result, solved before or with this; others hear of ``service_request.closed``."""
    row = await hold(write, viewer, request_id)
    expect(row, *OPEN_STATES, SOLVED)
    now = clock.now()
    values = {} if row["state"] == SOLVED else clocks.solved(await hours_of(write, viewer), row, now)
    values |= {"state": CLOSED, "closed_at": now, "result": _said(result or row["result"], "result")}
    await move(write, viewer, row, values, version=version, clock=clock)
    told: dict[str, object] = {"kind": [None, row["kind"]], "customer_id": [None, row["customer_id"].hex]}
    await audit(write, viewer, [(RECORD, "closed", request_id, told)], clock=clock)


async def reopen(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    reason: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Go on with a request that was solved or closed; its solution clock goes on with what was left."""
    row = await hold(write, viewer, request_id)
    expect(row, SOLVED, CLOSED)
    await note_reason(write, viewer, row, _said(reason, "reason"), clock=clock)
    values = clocks.reopened(await hours_of(write, viewer), row, clock.now())
    await move(write, viewer, row, values, version=version, clock=clock)


async def cancel(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    reason: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """End an open request without a solution; its clocks stop without having been kept or missed."""
    row = await hold(write, viewer, request_id)
    expect(row, *OPEN_STATES)
    await note_reason(write, viewer, row, _said(reason, "reason"), clock=clock)
    values = {"state": CANCELLED, "waiting_since": None, "closed_at": clock.now()}
    await move(write, viewer, row, values, version=version, clock=clock)


def _said(text: str | None, field: str) -> str:
    if text is None or not text.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", field))])
    return text
