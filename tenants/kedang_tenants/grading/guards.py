"""What no write may do to schemes and levels, whoever writes."""

from __future__ import annotations

from collections.abc import Sequence

from kedang_platform.clock import Clock
from kedang_platform.colours import READABLE, contrast_on_white
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.grading.models import DRAFT, HAND, PUBLISHED
from kedang_tenants.grading.usage import IN_FORCE, IN_USE, SCHEDULED, uses_of
from kedang_tenants.reading import Viewer


@prepares("grade_scheme")
async def guard_schemes(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """One scheme leads; one that grades by a rule stays."""
    for draft in drafts:
        if draft.action == "archive" and draft.now("state") == PUBLISHED and draft.now("graded_by") != HAND:
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


_GONE = """
SELECT l.scheme_id FROM grade_level l JOIN grade_scheme s ON s.id = l.scheme_id
WHERE l.scheme_id = ANY($1::uuid[]) AND l.archived_at IS NOT NULL
  AND jsonb_path_exists(s.rule, '$.**.id ? (@ == $id)', jsonb_build_object('id', l.id::text))
"""


@prepares("grade_scheme")
async def end_outdated_rules(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """A scheme that comes back from the hand has no rule in force where levels of that rule have gone meanwhile."""
    back = [
        draft
        for draft in drafts
        if draft.old is not None and draft.old["graded_by"] == HAND and draft.now("graded_by") != HAND
    ]
    rows = await write.fetch(_GONE, [draft.id for draft in back]) if back else []
    gone = {row["scheme_id"] for row in rows}
    for draft in back:
        if draft.id in gone:
            draft.values |= {"state": DRAFT, "rule": None}


@prepares("grade_level")
async def guard_colours(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A colour that is chosen anew stands out on a white page; one that was chosen before may stay."""
    for draft in drafts:
        colour = draft.values.get("colour")
        chosen = isinstance(colour, str) and (draft.old is None or draft.old["colour"] != colour)
        if chosen and contrast_on_white(str(colour)) < READABLE:
            message = msg("The colour {colour} is too light: nobody can tell it from a white page.")
            draft.refuse("colour", "COLOUR_UNREADABLE", message, colour=colour)


_REASONS = {
    IN_FORCE: ("LEVEL_IN_FORCE", msg("A level of the rule in force cannot be archived.")),
    SCHEDULED: ("LEVEL_SCHEDULED", msg("A version of the rule that is scheduled gives this level.")),
    IN_USE: ("LEVEL_IN_USE", msg("Customers have this level: retire it into another.")),
}


@prepares("grade_level")
async def guard_levels(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A level that customers have, or will get, stays; one that was retired is not brought back by its successor's way."""
    await _hold_schemes(write, drafts)
    going = [draft for draft in drafts if draft.action == "archive"]
    uses = await uses_of(write, [draft.id for draft in going])
    for draft in going:
        if draft.id in uses:
            draft.refuse(None, *_REASONS[uses[draft.id]])
    await _guard_codes(write, drafts)
    for draft in drafts:
        if draft.action == "restore" and draft.now("retired_into_id") is not None:
            draft.refuse(None, "LEVEL_RETIRED", msg("This level was retired; make a new one."))


_HOLD = "SELECT id FROM grade_scheme WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"


async def _hold_schemes(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    """Lock the schemes whose levels go or are renamed: a version that is being published names levels as it read them."""
    schemes = {
        draft.now("scheme_id") for draft in drafts if draft.action == "archive" or "code" in draft.values
    }
    if schemes:
        await write.fetch(_HOLD, sorted(schemes, key=str))


async def _guard_codes(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    """What is scheduled names levels by their codes until its day has come."""
    renamed = [
        draft
        for draft in drafts
        if draft.old is not None and draft.values.get("code", draft.old["code"]) != draft.old["code"]
    ]
    uses = await uses_of(write, [draft.id for draft in renamed])
    for draft in renamed:
        if uses.get(draft.id) == SCHEDULED:
            draft.refuse("code", *_REASONS[SCHEDULED])
