"""Restricted archives: closed to everybody but their keepers, opened to a member for a time (A11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.approvals.asking import ask
from kedang_tenants.approvals.flows import ROLE, Step
from kedang_tenants.approvals.kinds import Request, register_approval_kind
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, audit, change_internally, visible_record
from kedang_tenants.customers.belonging import referring_to_all
from kedang_tenants.customers.collaborating import ensure_end
from kedang_tenants.customers.models import DENIED, GRANTED, REQUESTED, REVOKED
from kedang_tenants.people.rights import announce_rights
from kedang_tenants.reading import Scope, Viewer

KIND: Final = "access.restricted"
RECORD: Final = "archive_grant"
LONGEST: Final = timedelta(days=90)
_LONGEST_REASON: Final = 1000
_HELD = "SELECT restricted FROM customer WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE"
_OPEN = f"""
SELECT id FROM {RECORD} WHERE customer_id = $1 AND member_id = $2 AND archived_at IS NULL
  AND (state = '{REQUESTED}' OR (state = '{GRANTED}' AND until > $3))
"""
_GRANT = f"SELECT customer_id, member_id, state, until FROM {RECORD} WHERE id = $1 AND archived_at IS NULL FOR UPDATE"


class ReasonMissing(BadUserInput):
    """Whoever closes an archive, or wants it opened, says why."""


class NothingToAskFor(BadUserInput):
    """The archive is open to the member already, or the answer to their request is awaited."""


async def restrict_customer(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str, clock: Clock
) -> UUID:
    """Close a customer's archive and all that lies below it. Repeating it changes nothing.

    Raises NotFound, Forbidden for whoever keeps no restricted archives, ReasonMissing.
    """
    return await _set(write, viewer, customer_id, reason, restricted=True, clock=clock)


async def lift_restriction(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str, clock: Clock
) -> UUID:
    """Open an archive to everybody again whose scope it lies in. As ``restrict_customer``."""
    return await _set(write, viewer, customer_id, reason, restricted=False, clock=clock)


async def _set(
    write: TenantWrite, viewer: Viewer, customer_id: UUID, reason: str, *, restricted: bool, clock: Clock
) -> UUID:
    _ensure_keeper(viewer)
    why = _reason(reason)
    if not await visible_record(write, viewer, catalogue().record("customer"), customer_id):
        raise NotFound(msg("There is no such record."), path=("input", "customerId"))
    held = await write.fetchrow(_HELD, customer_id)
    if held is None:
        raise NotFound(msg("There is no such record."), path=("input", "customerId"))
    if held["restricted"] is not restricted:
        change = Change("customer", "update", customer_id, values={"restricted": restricted})
        await change_internally(write, viewer, [change], clock=clock)
        event = "restricted" if restricted else "restriction_lifted"
        await audit(write, viewer, [("customer", event, customer_id, {"reason": [None, why]})], clock=clock)
        await announce_rights(write)
    return customer_id


async def request_archive_access(
    write: TenantWrite, viewer: Viewer, *, customer_id: UUID, reason: str, until: datetime, clock: Clock
) -> UUID:
    """Ask for a restricted archive to be opened until an instant, at most 90 days away; the id of the access asked for.

    Who keeps restricted archives decides. NotFound is raised alike for customers that do not exist, for those that
    are not restricted and for roles to whom none is ever opened. Raises ReasonMissing, EndOutOfRange, NothingToAskFor,
    and what ``approvals.ask`` raises where nobody could decide.
    """
    held = await write.fetchrow(_HELD, customer_id)
    may_ask = viewer.member_id is not None and viewer.on(RECORD).create is not Scope.NONE
    if not may_ask or held is None or not held["restricted"]:
        raise NotFound(msg("There is no such record."), path=("input", "customerId"))
    why = _reason(reason)
    ensure_end(until, clock=clock, longest=LONGEST)
    taken = await write.fetchval(_OPEN, customer_id, viewer.member_id, clock.now())
    if taken is not None or not viewer.closed:
        message = msg("This archive is open to you already, or you have asked for it.")
        raise NothingToAskFor(message, path=("input", "customerId"))
    values: dict[str, Any] = {
        "customer_id": customer_id,
        "member_id": viewer.member_id,
        "reason": why,
        "until": until,
        "state": REQUESTED,
    }
    grant = new_id()
    change = Change(RECORD, "create", grant, values=values)
    await change_internally(write, referring_to_all(viewer), [change], clock=clock)
    await ask(
        write,
        viewer,
        kind=KIND,
        subject=(RECORD, grant),
        summary={"en": why, "zh": why},
        payload={"grant": grant.hex},
        clock=clock,
    )
    return grant


async def revoke_archive_access(write: TenantWrite, viewer: Viewer, *, grant_id: UUID, clock: Clock) -> UUID:
    """End an access that was granted, at once. For who keeps restricted archives, and for whom it was granted to.

    Repeating it changes nothing. Raises NotFound, Forbidden.
    """
    if not await visible_record(write, viewer, catalogue().record(RECORD), grant_id):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    row = await write.fetchrow(_GRANT, grant_id)
    if row is None or row["state"] in {REQUESTED, DENIED}:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if row["member_id"] != viewer.member_id:
        _ensure_keeper(viewer)
    if row["state"] == GRANTED:
        await _decide(write, viewer, grant_id, REVOKED, decided_by=viewer.member_id, clock=clock)
    return grant_id


async def decided(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> None:
    """What becomes of an access when its request was decided: approved opens, refused and withdrawn do not."""
    if request.state == "RETURNED":
        return  # it may be asked for again, with what was missing
    grant_id = UUID(hex=request.payload["grant"])
    row = await write.fetchrow(_GRANT, grant_id)
    if row is None or row["state"] != REQUESTED:
        return
    granted = request.state == "APPROVED" and row["until"] > clock.now()
    state: Literal["GRANTED", "DENIED"] = "GRANTED" if granted else "DENIED"
    await _decide(write, viewer, grant_id, state, decided_by=request.decided_by, clock=clock)


async def _decide(
    write: TenantWrite, viewer: Viewer, grant_id: UUID, state: str, *, decided_by: UUID | None, clock: Clock
) -> None:
    values = {"state": state, "decided_by_id": decided_by, "decided_at": clock.now()}
    await change_internally(write, viewer, [Change(RECORD, "update", grant_id, values=values)], clock=clock)
    await announce_rights(write)


def _ensure_keeper(viewer: Viewer) -> None:
    if viewer.on(RECORD).update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


def _reason(text: str) -> str:
    if not 0 < len(text.strip()) <= _LONGEST_REASON:
        message = msg("Say why, in at most {limit} characters.")
        raise ReasonMissing(message, path=("input", "reason"), limit=_LONGEST_REASON)
    return text.strip()


register_approval_kind(
    KIND,
    label=msg("Access to a restricted archive"),
    on_decided=decided,
    # No superior steps in: who may not see an archive opens it to nobody.
    steps=(Step(by=ROLE, roles=("ARCHIVE_KEEPER", "OWNER"), escalate_after=None),),
    final_roles=frozenset({"OWNER", "ADMIN", "ARCHIVE_KEEPER"}),
    alone="REFUSE",
    sensitive=True,
)
