"""Words about a request: what is said to the customer and by them moves the request and its clocks."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notices import REQUEST_ANSWERED_BY_CUSTOMER
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer
from kedang_tenants.service import clocks
from kedang_tenants.service.models import (
    FROM_CUSTOMER,
    INTERNAL,
    NOTE_KINDS,
    OPEN_STATES,
    TO_CUSTOMER,
    WAITING,
)
from kedang_tenants.service.requests import expect, hold, hours_of, move

_KINDS: Final = frozenset(option.code for option in NOTE_KINDS)


async def add_note(
    write: TenantWrite, viewer: Viewer, *, request_id: UUID, kind: str, text: str, clock: Clock
) -> UUID:
    """Note something about a request, in whichever state it is; returns the note's id.

    What is said to the customer of an open request answers it; what comes from the customer ends the
    waiting for them, and its owner is told. Raises NotFound, Forbidden, Refused, WrongState.
    """
    if kind not in _KINDS:
        raise BadUserInput(
            msg("“{value}” is not one of the choices."), path=("input", "kind"), value=kind[:50]
        )
    # A word to the customer stops a clock: that takes the right to handle the request.
    row = await hold(write, viewer, request_id, right="handle" if kind == TO_CUSTOMER else "note")
    note = await write_note(write, viewer, row, kind, text, clock=clock)
    values: clocks.Values = {}
    if kind == TO_CUSTOMER and row["state"] in OPEN_STATES:
        values = {**clocks.started(row), **clocks.answered(row, clock.now())}
    if kind == FROM_CUSTOMER and row["state"] == WAITING:
        values = clocks.resumed(await hours_of(write, viewer), row, clock.now())
    if values:
        await move(write, viewer, row, values, clock=clock)
    return note


async def answer(
    write: TenantWrite, viewer: Viewer, *, request_id: UUID, text: str, version: int | None, clock: Clock
) -> None:
    """Answer an open request: the word to the customer is kept, and the first one ends the first-answer clock."""
    row = await hold(write, viewer, request_id)
    expect(row, *OPEN_STATES)
    await write_note(write, viewer, row, TO_CUSTOMER, text, clock=clock)
    values = {**clocks.started(row), **clocks.answered(row, clock.now())}
    await move(write, viewer, row, values, version=version, clock=clock)


async def write_note(
    write: TenantWrite, viewer: Viewer, row: clocks.Row, kind: str, text: str, *, clock: Clock
) -> UUID:
    """Keep a note on a request that is held; its owner is told of what others note down from the customer."""
    values = {
        "request_id": row["id"],
        "member_id": viewer.member_id,
        "at": clock.now(),
        "kind": kind,
        "text": text,
    }
    (made,) = await change_internally(
        write, viewer, [Change("service_note", "create", values=values)], clock=clock
    )
    if kind == FROM_CUSTOMER and row["owner_id"] not in {None, viewer.member_id}:
        await tell(write, viewer, [_came_back(row, made.id)], clock=clock)
    return made.id


def _came_back(row: clocks.Row, note_id: UUID) -> Telling:
    return Telling(
        kind=REQUEST_ANSWERED_BY_CUSTOMER,
        member_id=row["owner_id"],
        occasion=f"from-customer:{note_id.hex}",
        title=msg("The customer has answered: service request {number}"),
        body=msg("There is a new note from the customer: {title}"),
        params={"number": row["number"], "title": row["title"]},
        about=("service_request", row["id"]),
    )


async def note_reason(
    write: TenantWrite, viewer: Viewer, row: clocks.Row, reason: str, *, clock: Clock
) -> None:
    """Keep why something was done with a request, among ourselves."""
    await write_note(write, viewer, row, INTERNAL, reason, clock=clock)
