"""Which of several schemes leads: its grades are shown with the customers and pace the follow-ups (G1)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_platform.work import JSON, NewJob, enqueue
from kedang_tenants.changing import Change, Event, change_internally, subscribe
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.grading.models import HAND, PUBLISHED
from kedang_tenants.grading.showing import SHOW
from kedang_tenants.reading import Scope, Viewer

_LEADING = "SELECT id FROM grade_scheme WHERE leads AND archived_at IS NULL AND id <> $1 FOR UPDATE"
_ANY_LEADS = "SELECT true FROM grade_scheme WHERE leads AND archived_at IS NULL"
_REORDERED = """
SELECT l.scheme_id, array_agg(l.id ORDER BY l.id) AS levels
FROM grade_level l JOIN grade_scheme s ON s.id = l.scheme_id AND s.leads AND s.archived_at IS NULL
WHERE l.id = ANY($1::uuid[]) GROUP BY l.scheme_id
"""
_WITHOUT_RUN = (
    "SELECT id FROM grade_scheme WHERE id = ANY($1::uuid[]) AND leads AND (graded_by = $2 OR state <> $3)"
)


async def lead(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID, clock: Clock) -> None:
    """Have a scheme lead in place of the one that does; raises NotFound, Archived, Forbidden."""
    if viewer.on("grade_scheme").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    await hold_for_change(write, viewer, "grade_scheme", scheme_id)
    former = [row["id"] for row in await write.fetch(_LEADING, scheme_id)]
    changes = [Change("grade_scheme", "update", other, values={"leads": False}) for other in former]
    if changes:
        await change_internally(write, viewer, changes, clock=clock)
    follows = Change("grade_scheme", "update", scheme_id, values={"leads": True})
    await change_internally(write, viewer, [follows], clock=clock)


@subscribe("grade_scheme.updated", "grade_scheme.archived", "grade_scheme.restored")
async def show_without_run(
    write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock
) -> None:
    """A scheme that comes to lead and has no rule in force shows its grades, given by hand or none: no run does it.

    Where none leads any more, nobody is shown with a grade.
    """
    ids = [
        event.record_id
        for event in events
        if event.name != "grade_scheme.updated" or "leads" in event.changes
    ]
    if not ids:
        return
    rows = await write.fetch(_WITHOUT_RUN, ids, HAND, PUBLISHED)
    schemes: list[str | None] = [str(row["id"]) for row in rows]
    if not await write.fetchval(_ANY_LEADS):
        schemes.append(None)
    await enqueue(write, *(NewJob(SHOW, {"scheme": scheme}) for scheme in schemes))


@subscribe("grade_level.updated")
async def show_positions(write: TenantWrite, _viewer: Viewer, events: Sequence[Event], _clock: Clock) -> None:
    """Levels that are put in another order show their customers in it."""
    moved = [event.record_id for event in events if "position" in event.changes]
    for row in await write.fetch(_REORDERED, moved) if moved else ():
        levels: list[JSON] = [str(level) for level in row["levels"]]
        await enqueue(write, NewJob(SHOW, {"scheme": str(row["scheme_id"]), "levels": levels}))
