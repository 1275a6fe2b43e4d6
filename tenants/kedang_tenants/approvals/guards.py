"""What no write may do to approvals, whoever writes: the product's own least of all."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.approvals.models import FINAL
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer


@prepares("approval_event")
async def keep_history(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """History is written once and never changed."""
    for draft in drafts:
        if draft.action != "create":
            draft.refuse(None, "HISTORY_IS_KEPT", msg("History is never changed."))


@prepares("approval_request")
async def keep_ends(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """What is decided or withdrawn stays so."""
    for draft in drafts:
        if draft.old is not None and draft.old.get("state") in FINAL:
            draft.refuse(None, "DECIDED", msg("What is decided stays so."))
