"""What no write may do to schemes and levels, whoever writes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.grading.models import PUBLISHED
from kedang_tenants.reading import Viewer


@prepares("grade_scheme")
async def guard_schemes(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """One scheme leads; one that is in force stays."""
    for draft in drafts:
        if draft.action == "archive" and draft.now("state") == PUBLISHED:
            draft.refuse(None, "SCHEME_IN_FORCE", msg("A grade scheme in force cannot be archived."))
    leading = [draft for draft in drafts if draft.now("leads") and draft.now("archived_at") is None]
    if not leading:
        return
    other = await write.fetchval(
        "SELECT name FROM grade_scheme WHERE leads AND archived_at IS NULL AND id <> ALL($1::uuid[])",
        [draft.id for draft in drafts],
    )
    for draft in leading if other else leading[1:]:
        name = other or leading[0].now("name")
        draft.refuse("leads", "ANOTHER_SCHEME_LEADS", msg("“{name}” leads already."), name=name)


@prepares("grade_level")
async def guard_levels(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A level of the rule in force stays."""
    archived = [draft for draft in drafts if draft.action == "archive"]
    if not archived:
        return
    rows = await write.fetch(
        "SELECT l.id FROM grade_level l JOIN grade_scheme s ON s.id = l.scheme_id"
        " WHERE l.id = ANY($1::uuid[]) AND s.state = $2"
        " AND s.rule -> 'levels' @> jsonb_build_array(jsonb_build_object('id', l.id::text))",
        [draft.id for draft in archived],
        PUBLISHED,
    )
    in_force: set[UUID] = {row["id"] for row in rows}
    for draft in archived:
        if draft.id in in_force:
            draft.refuse(None, "LEVEL_IN_FORCE", msg("A level of the rule in force cannot be archived."))
