"""The secret address of a member's calendar (F8): made, made anew, ended; whom it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.registry import Company
from kedang_platform.secret_links import TOKEN_BYTES, secret_part, token_hash
from kedang_tenants.catalogue import InstantKind, TextKind, contribute, field
from kedang_tenants.changing import Draft, audit, prepares
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.people.models import Member
from kedang_tenants.reading import Viewer

_SET: Final = "UPDATE member SET calendar_hash = $2, calendar_since = $3 WHERE id = $1"
_END: Final = """
UPDATE member SET calendar_hash = NULL, calendar_since = NULL WHERE id = $1 AND calendar_hash IS NOT NULL RETURNING id
"""
_WHOSE: Final = """
SELECT id FROM member WHERE calendar_hash = $1 AND state = 'ACTIVE' AND archived_at IS NULL
"""

contribute(
    Member,
    "calendar_hash",
    field(TextKind(64), label=msg("Address of the calendar"), unique=True, hidden=True),
)
contribute(
    Member,
    "calendar_since",
    field(
        InstantKind(),
        label=msg("Calendar address since"),
        read_only=True,
        description="Since when the present address of their calendar works; empty: there is none",
    ),
)


async def make_calendar_address(write: TenantWrite, viewer: Viewer, *, company: Company, clock: Clock) -> str:
    """Make a new address of the viewer's own calendar and return its path; one that they had works no more.

    It is told this once: only its hash is kept. Raises Forbidden for whoever is no member.
    """
    if viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))
    token = token_bytes(TOKEN_BYTES)
    await write.fetch(_SET, viewer.member_id, _hash(token), clock.now())
    await audit(write, viewer, [("member", "calendar_address_made", viewer.member_id, {})], clock=clock)
    return f"/calendar/{secret_part(company, token)}.ics"


async def end_calendar_address(
    write: TenantWrite, viewer: Viewer, *, member_id: UUID | None, clock: Clock
) -> UUID:
    """End the address of one's own calendar, or of a member whom one may change; ending it twice is ending it once.

    Returns whose it was. Raises NotFound, Forbidden, Archived.
    """
    whose = member_id or viewer.member_id
    if whose is None:
        raise Forbidden(msg("You may not do this."))
    if whose != viewer.member_id:
        await hold_for_change(write, viewer, "member", whose, path=("input", "memberId"))
    if await write.fetchval(_END, whose) is not None:
        await audit(write, viewer, [("member", "calendar_address_ended", whose, {})], clock=clock)
    return whose


async def member_by_calendar(read: TenantRead, *, token: bytes) -> UUID | None:
    """Whose calendar a link opens; None where it opens none (any more)."""
    found: UUID | None = await read.fetchval(_WHOSE, _hash(token))
    return found


def _hash(token: bytes) -> str:
    return token_hash(token).hex()


@prepares("member")
async def end_with_access(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """The address of a calendar ends with the access, and does not come back with it."""
    for draft in drafts:
        left = draft.values.get("state") == "SUSPENDED" or draft.action == "archive"
        if left and draft.old is not None and draft.old.get("calendar_hash") is not None:
            draft.values |= {"calendar_hash": None, "calendar_since": None}
