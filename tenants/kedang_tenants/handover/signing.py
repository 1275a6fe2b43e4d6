"""Receipts of a handover: the department and the archive keeper sign for what they received (A12)."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.handover.errors import HandoverUnfinished
from kedang_tenants.handover.models import RUNNING, SIGNED
from kedang_tenants.reading import Viewer

Side: TypeAlias = Literal["DEPARTMENT", "KEEPER"]

# Who can sign for the department: the leaver's superior, the managers of their department and those above it.
_FOR_THE_DEPARTMENT = """
WITH RECURSIVE above AS (
    SELECT d.id, d.parent_id FROM department d JOIN member l ON l.department_id = d.id WHERE l.id = $1
    UNION SELECT d.id, d.parent_id FROM department d JOIN above ON d.id = above.parent_id
)
SELECT m.id FROM member m
WHERE m.state = 'ACTIVE' AND m.archived_at IS NULL AND m.id <> $1
  AND (m.id = (SELECT superior_id FROM member WHERE id = $1)
       OR ('DEPARTMENT_MANAGER' = ANY(m.roles) AND m.department_id IN (SELECT id FROM above)))
"""
_WITH_ROLES = """
SELECT id FROM member WHERE roles && $2::text[] AND state = 'ACTIVE' AND archived_at IS NULL AND id <> $1
"""
_MANAGERS_OF_PEOPLE: Final = ["OWNER", "ADMIN"]
_HELD = """
SELECT member_id, state, department_signed_by_id, keeper_signed_by_id FROM handover
WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""


async def sign(write: TenantWrite, viewer: Viewer, *, handover_id: UUID, side: Side, clock: Clock) -> None:
    """Sign for one side; with the second one the handover is signed for. Repeating it changes nothing.

    Raises ``NotFound``, ``HandoverUnfinished``, and ``Forbidden`` for whom the side does not let sign.
    """
    row = await write.fetchrow(_HELD, handover_id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=("id",))
    allowed = await _signers(write, leaver_id=row["member_id"], side=side)
    if viewer.member_id not in allowed:
        raise Forbidden(msg("You may not sign for this side."))
    if row["state"] == RUNNING:
        raise HandoverUnfinished
    mine, other = ("department", "keeper") if side == "DEPARTMENT" else ("keeper", "department")
    if row[f"{mine}_signed_by_id"] is not None:
        return
    values: dict[str, object] = {f"{mine}_signed_by_id": viewer.member_id, f"{mine}_signed_at": clock.now()}
    if row[f"{other}_signed_by_id"] is not None:
        values["state"] = SIGNED
    await change_internally(
        write, viewer, [Change("handover", "update", handover_id, values=values)], clock=clock
    )


async def signers(read: TenantRead, *, leaver_id: UUID) -> set[UUID]:
    """Everybody who can sign for either side."""
    department = await _signers(read, leaver_id=leaver_id, side="DEPARTMENT")
    return department | await _signers(read, leaver_id=leaver_id, side="KEEPER")


async def _signers(read: TenantRead, *, leaver_id: UUID, side: Side) -> set[UUID]:
    """Who can sign for a side; where it has nobody of its own, whoever manages people."""
    if side == "DEPARTMENT":
        own = {row["id"] for row in await read.fetch(_FOR_THE_DEPARTMENT, leaver_id)}
    else:
        own = {row["id"] for row in await read.fetch(_WITH_ROLES, leaver_id, ["ARCHIVE_KEEPER"])}
    if own:
        return own
    return {row["id"] for row in await read.fetch(_WITH_ROLES, leaver_id, _MANAGERS_OF_PEOPLE)}
