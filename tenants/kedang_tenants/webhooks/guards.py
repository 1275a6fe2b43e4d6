"""The rules of webhooks that hold in every write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer

MOST: Final = 50
"""Webhooks that a company can have, archived ones not counted."""
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext('webhooks'), hashtext($1))"


class TooManyWebhooks(KedangError):
    """The company has as many as it can have."""


@prepares("webhook")
async def guard_webhooks(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A webhook is told of something, and there are not too many of them, however they come to be."""
    for draft in drafts:
        if not draft.now("events"):
            draft.refuse("events", "REQUIRED", msg("This must be filled in."))
    await _keep_room(write, [draft for draft in drafts if draft.action in {"create", "restore"}])


async def _keep_room(write: TenantWrite, more: Sequence[Draft]) -> None:
    if not more:
        return
    await write.fetch(_ALONE, write.company.schema)
    room = MOST - await write.fetchval("SELECT count(*) FROM webhook WHERE archived_at IS NULL")
    for draft in more[max(room, 0) :]:
        draft.refuse(None, TooManyWebhooks.code, msg("A company can have {limit} webhooks."), limit=MOST)
