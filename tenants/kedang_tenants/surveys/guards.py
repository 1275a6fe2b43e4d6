"""What no write may do to questionnaires, whoever writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, afterwards, prepares
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.items import Place, misplaced
from kedang_tenants.surveys.models import DRAFT

MOST_ITEMS = 200
"""Questions and headings of one version."""
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_PUBLISHED = msg("This version has been published and never changes again; draft the next one.")
_VERSIONS = "SELECT id, state FROM questionnaire_version WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_PLACES = """
SELECT id, version_id, parent_id, kind, archived_at IS NOT NULL AS archived FROM survey_item
WHERE version_id = ANY($1::uuid[])
"""
# What is on its way goes no further; what has arrived may still be answered.
_CANCEL = """
UPDATE survey_invitation SET state = 'CANCELLED', updated_at = $2, version = version + 1
WHERE id IN (
    SELECT id FROM survey_invitation WHERE questionnaire_id = ANY($1::uuid[]) AND state = 'PENDING'
    ORDER BY id FOR UPDATE
)
"""


@prepares("questionnaire")
async def guard_questionnaires(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """Only what has been published is sent out; an archived questionnaire sends nothing."""
    for draft in drafts:
        if draft.action == "archive":
            draft.values["active"] = False
        elif draft.now("active") and draft.now("current_version_id") is None:
            draft.refuse("active", "NOT_PUBLISHED", msg("Publish a version of the questionnaire first."))
        _refuse_late_reminder(draft)


def _refuse_late_reminder(draft: Draft) -> None:
    """A reminder on the day of the end, or after it, would never be sent; where none was asked for there is none."""
    said = [name for name in ("remind_after_days", "expires_after_days") if name in draft.change.values]
    remind, expire = draft.now("remind_after_days"), draft.now("expires_after_days")
    if not (said and isinstance(remind, int) and isinstance(expire, int) and remind >= expire):
        return
    if draft.action == "create" and "remind_after_days" not in said:
        draft.values["remind_after_days"] = None
    else:
        draft.refuse(
            said[0], "REMINDER_TOO_LATE", msg("The reminder has to come before the invitation expires.")
        )


@afterwards("questionnaire")
async def cancel_what_waits(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], clock: Clock
) -> None:
    """A questionnaire that is put to rest sends none of the invitations that wait for their day."""
    rested = [
        draft.id for draft in drafts if draft.old and draft.old.get("active") and not draft.now("active")
    ]
    if rested:
        await write.fetch(_CANCEL, rested, clock.now())


@prepares("questionnaire_version")
async def guard_versions(
    _write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """The texts of a published version stay. Its state moves on: that is for the product alone."""
    for draft in drafts:
        is_state = "state" in draft.change.values
        if draft.old is not None and draft.old.get("state") != DRAFT and not is_state:
            draft.refuse(None, "VERSION_PUBLISHED", _PUBLISHED)


@prepares("survey_item")
async def guard_items(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Questions of a draft only, at most ``MOST_ITEMS``, each in its place; the version is held from now on."""
    versions = {cast("UUID", draft.now("version_id")) for draft in drafts if draft.now("version_id")}
    rows = await write.fetch(_VERSIONS, sorted(versions))
    drafted = {row["id"] for row in rows if row["state"] == DRAFT}
    for draft in drafts:
        key = draft.values.get("key")
        if draft.now("version_id") not in drafted:
            draft.refuse(None, "VERSION_PUBLISHED", _PUBLISHED)
        elif key is not None and not _KEY.fullmatch(str(key)):
            draft.refuse("key", "INVALID_KEY", msg("A key is made of small letters, digits and “_”."))
    await _check_places(write, drafts, versions)


async def _check_places(write: TenantWrite, drafts: Sequence[Draft], versions: set[UUID]) -> None:
    rows = await write.fetch(_PLACES, list(versions))
    places = {row["id"]: Place(**row) for row in rows}
    places |= {draft.id: _place(draft) for draft in drafts}
    living: dict[UUID, int] = dict.fromkeys(versions, 0)
    for place in places.values():
        if place.version_id in living and not place.archived:
            living[place.version_id] += 1
    for draft in drafts:
        place = places[draft.id]
        reason = misplaced(place, places)
        if draft.refused:
            continue
        if reason is not None:
            field = "parent_id" if "parent_id" in draft.values else None
            draft.refuse(field, "MISPLACED", reason)
        elif draft.action in {"create", "restore"} and living[place.version_id] > MOST_ITEMS:
            message = msg("A questionnaire has at most {limit} questions.")
            draft.refuse(None, "TOO_MANY", message, limit=MOST_ITEMS)


def _place(draft: Draft) -> Place:
    return Place(
        id=draft.id,
        version_id=cast("UUID", draft.now("version_id")),
        parent_id=cast("UUID | None", draft.now("parent_id")),
        kind=cast("str", draft.now("kind")),
        archived=draft.now("archived_at") is not None,
    )
