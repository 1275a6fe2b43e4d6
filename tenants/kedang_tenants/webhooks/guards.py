"""The rules of webhooks that hold in every write."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer


@prepares("webhook")
async def guard_webhooks(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A webhook is told of something."""
    for draft in drafts:
        if not draft.now("events"):
            draft.refuse("events", "REQUIRED", msg("This must be filled in."))
