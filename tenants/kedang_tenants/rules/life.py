"""A rule's way after its draft: submitted, decided, in force on its day, superseded or repealed.

Who may decide is the matter of the approvals, a higher feature, which calls these in its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer
from kedang_tenants.rules.drafting import (
    Held,
    check_content,
    ensure_may_edit,
    ensure_state,
    hold_kind,
    hold_version,
)
from kedang_tenants.rules.models import (
    APPROVED,
    DRAFT,
    IN_FORCE,
    REFUSED,
    REPEALED,
    SUBMITTED,
    SUPERSEDED,
)

PUT_IN_FORCE: Final = "rules.put_in_force"
"""The kind of job that puts an approved version in force on its day; ``version`` names it."""

_FORMER = f"SELECT id FROM rule_version WHERE kind = $1 AND state = '{IN_FORCE}' AND id <> $2 FOR UPDATE"
_OVERTAKEN = f"""
SELECT id FROM rule_version WHERE kind = $1 AND state = '{APPROVED}' AND number < $2 ORDER BY id FOR UPDATE
"""
_WAITING = f"""
SELECT id FROM rule_version
WHERE id = $1 AND state = '{APPROVED}' AND archived_at IS NULL
"""


async def submit(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> Held:
    """Close a draft for editing, so that it can be decided on; returns it as it was.

    Raises Forbidden, NotFound, RuleSettled, and Refused with what is wrong with its content by now.
    """
    held = await hold_version(write, viewer, version_id)
    ensure_may_edit(viewer, held)
    ensure_state(held, DRAFT)
    await check_content(write, viewer, held.kind, held.content)
    values = {"state": SUBMITTED, "submitted_by_id": viewer.member_id, "submitted_at": clock.now()}
    await _update(write, viewer, version_id, values, clock)
    return held


async def give_back(
    write: TenantWrite, viewer: Viewer, *, version_id: UUID, remark: str | None, clock: Clock
) -> None:
    """Open a submitted version for editing again: it was returned, or taken back. Raises RuleSettled."""
    await _submitted(write, viewer, version_id)
    await _update(write, viewer, version_id, {"state": DRAFT, "remark": remark}, clock)


async def refuse(
    write: TenantWrite, viewer: Viewer, *, version_id: UUID, remark: str | None, clock: Clock
) -> None:
    """End a submitted version; it is never in force. Raises RuleSettled."""
    await _submitted(write, viewer, version_id)
    now = clock.now()
    values = {"state": REFUSED, "remark": remark, "decided_at": now, "ended_at": now}
    await _update(write, viewer, version_id, values, clock)


async def approve(
    write: TenantWrite,
    viewer: Viewer,
    *,
    version_id: UUID,
    approved_by: UUID | None,
    remark: str | None,
    clock: Clock,
) -> None:
    """Approve a submitted version: in force at once, or by a job on its day in the company's zone.

    ``approved_by`` None says that nobody else could decide. Raises RuleSettled, and Refused with what
    is wrong with the content by now, whoever approves: what reaches further than they do was drafted within bounds.
    """
    held = await _submitted(write, viewer, version_id)
    await check_content(write, replace(viewer, member_id=None), held.kind, held.content)
    values = {
        "state": APPROVED,
        "approved_by_id": approved_by,
        "nobody_else": approved_by is None,
        "remark": remark,
        "decided_at": clock.now(),
    }
    await _update(write, viewer, version_id, values, clock)
    if held.in_force_from is None or held.in_force_from <= viewer.today(clock):
        await _enter_into_force(write, viewer, version_id, held.kind, held.number, clock)
    else:
        await _wait(write, version_id, held.in_force_from, viewer.time_zone)


async def put_in_force(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> bool:
    """Put an approved version in force if its day has come; whether it is now. For the job, which may come twice."""
    if await write.fetchrow(_WAITING, version_id) is None:
        return False
    held = await hold_version(write, viewer, version_id)
    if held.state != APPROVED:
        return False
    if held.in_force_from is not None and held.in_force_from > viewer.today(clock):
        await _wait(write, version_id, held.in_force_from, viewer.time_zone)
        return False
    await _enter_into_force(write, viewer, version_id, held.kind, held.number, clock)
    return True


async def repeal(
    write: TenantWrite, viewer: Viewer, *, version_id: UUID, remark: str | None, clock: Clock
) -> None:
    """End a version that is in force, or approved for a later day; the product's default holds again.

    Raises RuleSettled for every other state.
    """
    held = await hold_version(write, viewer, version_id)
    ensure_state(held, IN_FORCE, APPROVED)
    values = {"state": REPEALED, "remark": remark, "ended_at": clock.now()}
    await _update(write, viewer, version_id, values, clock)


async def establish(
    write: TenantWrite, viewer: Viewer, *, kind: str, content: Mapping[str, Any], clock: Clock
) -> UUID:
    """Put a version in force as the product itself, for what a company begins with; returns its id.

    Raises Forbidden for anybody else, and as ``draft_rule``.
    """
    if viewer.member_id is not None:
        raise Forbidden(msg("You may not do this."))
    await check_content(write, viewer, kind, content)
    await hold_kind(write, kind)
    number = await write.fetchval(
        "SELECT COALESCE(max(number), 0) + 1 FROM rule_version WHERE kind = $1", kind
    )
    values = {"kind": kind, "number": number, "content": dict(content), "state": APPROVED}
    new = Change("rule_version", "create", new_id(), values=values)
    await change_internally(write, viewer, [new], clock=clock)
    assert new.id is not None
    await _enter_into_force(write, viewer, new.id, kind, number, clock)
    return new.id


async def _submitted(write: TenantWrite, viewer: Viewer, version_id: UUID) -> Held:
    held = await hold_version(write, viewer, version_id)
    ensure_state(held, SUBMITTED)
    return held


async def _enter_into_force(
    write: TenantWrite, viewer: Viewer, version_id: UUID, kind: str, number: int, clock: Clock
) -> None:
    """What was in force ends, and with it what was approved earlier for a later day: the newer one was meant to follow it."""
    ended = [row["id"] for row in await write.fetch(_FORMER, kind, version_id)]
    ended += [row["id"] for row in await write.fetch(_OVERTAKEN, kind, number)]
    superseded = {"state": SUPERSEDED, "ended_at": clock.now()}
    changes = [Change("rule_version", "update", former, values=superseded) for former in ended]
    await change_internally(write, viewer, changes, clock=clock)
    await _update(write, viewer, version_id, {"state": IN_FORCE, "in_force_at": clock.now()}, clock)


async def _wait(write: TenantWrite, version_id: UUID, day: date, zone: str) -> None:
    """Ask for the version to be put in force when its day begins in the company's zone."""
    begins = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    key = f"{PUT_IN_FORCE}:{write.company.schema}:{version_id}:{begins.isoformat()}"
    await enqueue(write, NewJob(PUT_IN_FORCE, {"version": str(version_id)}, key=key, due_at=begins))


async def _update(
    write: TenantWrite, viewer: Viewer, version_id: UUID, values: Mapping[str, object], clock: Clock
) -> None:
    change = Change("rule_version", "update", version_id, values=values)
    await change_internally(write, viewer, [change], clock=clock)
