"""What holds in every write: who is given up or archived is no hot customer any more (A5)."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.hot.marking import COLD, note_endings
from kedang_tenants.hot.models import GIVEN_UP
from kedang_tenants.reading import Viewer


@prepares("customer")
async def cool_the_given_up(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A customer that nobody has, or that is put away, is not hot."""
    for draft in drafts:
        if draft.now("hot_since") is not None and _given_up(draft):
            draft.values |= COLD


def _given_up(draft: Draft) -> bool:
    lost = "owner_id" in draft.values and draft.values["owner_id"] is None
    return lost or draft.now("archived_at") is not None


@afterwards("customer")
async def end_marks_of_the_given_up(
    write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock
) -> None:
    """Their marks end with it; marks that were ended for another reason are over already."""
    cooled = [
        draft.id
        for draft in drafts
        if draft.old is not None
        and draft.old.get("hot_since") is not None
        and draft.now("hot_since") is None
        and _given_up(draft)
    ]
    if cooled:
        await note_endings(write, viewer, cooled, ending=GIVEN_UP, clock=clock)
