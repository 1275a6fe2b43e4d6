"""Opening a request - the one way in, whoever asks - and holding one to do something with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.working_calendar import WorkingHours
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change, change_internally
from kedang_tenants.changing.locking import CHANGING
from kedang_tenants.people.working_days import load_hours
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement
from kedang_tenants.service.assignment import able
from kedang_tenants.service.clocks import Row
from kedang_tenants.service.models import CANCELLED, CLOSED, IN_PROGRESS, NEW, SOLVED, WAITING

RECORD: Final = "service_request"
Right = Literal["handle", "note"]

_NOT_WHILE: Final[Mapping[str, str]] = {
    NEW: msg("This cannot be done while the request is new."),
    IN_PROGRESS: msg("This cannot be done while the request is in progress."),
    WAITING: msg("This cannot be done while the request waits for the customer."),
    SOLVED: msg("This cannot be done: the request is solved."),
    CLOSED: msg("This cannot be done: the request is closed."),
    CANCELLED: msg("This cannot be done: the request is cancelled."),
}


class WrongState(KedangError):
    """A request in this state does not allow the step; ``params["state"]`` names it."""

    def __init__(self, state: str) -> None:
        super().__init__(_NOT_WHILE[state], path=("input", "id"), state=state)


class Archived(KedangError):
    """The record is archived; it must be restored first."""


async def open_request(
    write: TenantWrite,
    viewer: Viewer,
    *,
    values: Mapping[str, object],
    custom: Mapping[str, object] | None = None,
    clock: Clock,
    internally: bool = False,
) -> UUID:
    """Open a service request and return its id; number, owner and clocks follow by the rules of the feature.

    ``custom`` are the company's own fields by their key. ``internally`` is for what the product decides itself: no right of the viewer is asked for, and an
    ``owner_id`` who cannot be responsible gives way to the rules of assignment. Raises Refused.
    """
    given = dict(values)
    owner = given.get("owner_id")
    if internally and owner is not None and owner not in await able(write, [cast("UUID", owner)]):
        del given["owner_id"]
    path = change_internally if internally else change
    opened = Change(RECORD, "create", values=given, custom=custom or {})
    (made,) = await path(write, viewer, [opened], clock=clock)
    return made.id


async def hold(write: TenantWrite, viewer: Viewer, request_id: UUID, *, right: Right = "handle") -> Row:
    """Lock a request and return its row, for the rest of the transaction.

    To ``handle`` it one must be responsible for it, or have the right to change it; to ``note`` something
    about it, have the right to open such requests and to read it. Raises NotFound, Forbidden, Archived.
    """
    statement = Statement()
    record = catalogue().record(RECORD)
    where = f"t.id = {statement.bind(request_id)}::uuid"
    seen = visible(statement, viewer, record, "t")
    may = owned(statement, viewer, record, "t", _reach(viewer, right), writing=True) or "TRUE"
    found = await write.fetchrow(
        f"SELECT t.*, {may} AS may FROM service_request t"
        f" WHERE {where}{f' AND {seen}' if seen else ''} {CHANGING} OF t",
        *statement.values,
    )
    if found is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    row = dict(found)
    if not row["may"] and not _is_responsible(viewer, row):
        raise Forbidden(msg("You may not do this."))
    if row["archived_at"] is not None:
        raise Archived(msg("This record is archived; restore it first."), path=("input", "id"))
    return row


def _reach(viewer: Viewer, right: Right) -> Scope:
    access = viewer.on(RECORD)
    return access.update if right == "handle" else min(access.create, access.read)


def _is_responsible(viewer: Viewer, row: Row) -> bool:
    """Whoever is responsible for a request handles it, whatever else their role lets them change."""
    return row["owner_id"] == viewer.member_id and viewer.on(RECORD).create is not Scope.NONE


def expect(row: Row, *states: str) -> None:
    """Raises WrongState for a request that is in none of these states."""
    if row["state"] not in states:
        raise WrongState(row["state"])


async def move(
    write: TenantWrite,
    viewer: Viewer,
    row: Row,
    values: Mapping[str, object],
    *,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Change a request that is held; ``version`` is the one its reader last saw. Raises Refused."""
    step = Change(RECORD, "update", row["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)


async def hours_of(write: TenantWrite, viewer: Viewer) -> WorkingHours:
    """The working hours of the viewer's company."""
    return await load_hours(write, country=viewer.country, time_zone=viewer.time_zone)
