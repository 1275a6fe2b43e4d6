"""Telling every process that somebody's rights are others now: what it remembers of viewers is loaded anew (A11)."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Draft, afterwards
from kedang_tenants.people.custom_fields import CHANNEL
from kedang_tenants.reading import Viewer


async def announce_rights(write: TenantWrite) -> None:
    """Tell every gateway, when the transaction commits, to load the company's viewers anew.

    Where the database cannot be listened to, they do within 5 seconds.
    """
    await write.fetch("SELECT pg_notify($1, $2)", CHANNEL, str(write.company.id))


@afterwards("member")
@afterwards("department")
@afterwards("rule_version")
async def announce_what_shapes_rights(
    write: TenantWrite,
    viewer: Viewer,  # noqa: ARG001 - the signature of a step
    drafts: Sequence[Draft],
    clock: Clock,  # noqa: ARG001
) -> None:
    """Roles, seats, departments and rules decide what is seen; a title or a telephone number does not."""
    if any(draft.values.keys() & _SHAPING for draft in drafts):
        await announce_rights(write)


_SHAPING = frozenset({"roles", "own_roles", "seat", "state", "department_id", "parent_id", "archived_at"})
