"""Versions of a questionnaire: drafted from the one in force, edited, published, and then never changed (V1)."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.checking import decoded
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.surveys.items import create_items, faults_of, in_both, items_of
from kedang_tenants.surveys.models import DRAFT, PUBLISHED, SUPERSEDED

_QUESTIONNAIRE = """
SELECT id, name, current_version_id FROM questionnaire WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""
_NEWEST = """
SELECT id, number, state FROM questionnaire_version WHERE questionnaire_id = $1 ORDER BY number DESC LIMIT 1
"""
_VERSION = """
SELECT id, questionnaire_id, number, state, introduction, thanks FROM questionnaire_version
WHERE id = $1 AND archived_at IS NULL
"""


class DraftExists(BadUserInput):
    """The questionnaire has a draft already; there is one at a time."""


class VersionPublished(BadUserInput):
    """The version has been published and never changes again."""


async def draft_version(write: TenantWrite, viewer: Viewer, *, questionnaire_id: UUID, clock: Clock) -> UUID:
    """Begin the next version of a questionnaire as a draft: with the questions of the one in force, if any.

    Returns its id. Raises Forbidden, NotFound, DraftExists.
    """
    _ensure_may_edit(viewer)
    questionnaire = await _locked(write, questionnaire_id, path=("input", "questionnaireId"))
    newest = await write.fetchrow(_NEWEST, questionnaire_id)
    if newest is not None and newest["state"] == DRAFT:
        raise DraftExists(
            msg("Version {number} is a draft already; edit or publish that one."),
            path=("input", "questionnaireId"),
            number=newest["number"],
        )
    former = questionnaire["current_version_id"]
    version_id = new_id()
    values = {"questionnaire_id": questionnaire_id, "number": (newest["number"] if newest else 0) + 1}
    values |= await _texts(write, former) if former else {}
    draft = Change("questionnaire_version", "create", version_id, values=values)
    await change_internally(write, viewer, [draft], clock=clock)
    if former:
        await _copy_items(write, viewer, former, version_id, clock)
    return version_id


async def _texts(read: TenantRead, version_id: UUID) -> dict[str, object]:
    row = await read.fetchrow(
        "SELECT introduction, thanks FROM questionnaire_version WHERE id = $1", version_id
    )
    return {name: decoded(value) for name, value in row.items()} if row else {}


async def _copy_items(
    write: TenantWrite, viewer: Viewer, former: UUID, version_id: UUID, clock: Clock
) -> None:
    items = await items_of(write, former)
    fresh = {item["id"]: new_id() for item in items}
    copies = [
        {**item, "id": fresh[item["id"]], "version_id": version_id, "parent_id": fresh.get(item["parent_id"])}
        for item in items
    ]
    await create_items(write, viewer, copies, clock=clock)


async def publish_version(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> UUID:
    """Put a draft in force: new invitations ask what it asks, those that are out keep their version.

    Returns the version's id. Raises Forbidden, NotFound, VersionPublished, and Refused with everything
    that keeps it from being published.
    """
    _ensure_may_edit(viewer)
    found = await write.fetchval(
        "SELECT questionnaire_id FROM questionnaire_version WHERE id = $1", version_id
    )
    if found is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    questionnaire = await _locked(write, found, path=("input", "id"))
    # Whoever edits a question holds its version, so that nothing slips in after the check.
    version = await write.fetchrow(f"{_VERSION} FOR UPDATE", version_id)
    if version is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if version["state"] != DRAFT:
        raise VersionPublished(
            msg("Version {number} has been published already."),
            path=("input", "id"),
            number=version["number"],
        )
    await _ensure_publishable(write, questionnaire, version)
    await _put_in_force(write, viewer, questionnaire, version_id, clock)
    return version_id


async def _ensure_publishable(
    read: TenantRead, questionnaire: asyncpg.Record, version: asyncpg.Record
) -> None:
    path = ("input", "id")
    faults = list(faults_of(await items_of(read, version["id"]), path))
    texts = (questionnaire["name"], version["introduction"], version["thanks"])
    if not all(in_both(decoded(text)) for text in texts):  # type: ignore[arg-type]
        message = msg("Name, introduction and thanks are to be said in Chinese and in English.")
        faults.append(UserError("MISSING_LANGUAGE", message, path))
    if faults:
        raise Refused(faults)


async def _put_in_force(
    write: TenantWrite, viewer: Viewer, questionnaire: asyncpg.Record, version_id: UUID, clock: Clock
) -> None:
    former = questionnaire["current_version_id"]
    published = {"state": PUBLISHED, "published_at": clock.now()}
    changes = [
        Change("questionnaire_version", "update", version_id, values=published),
        Change("questionnaire", "update", questionnaire["id"], values={"current_version_id": version_id}),
    ]
    if former:
        changes.insert(1, Change("questionnaire_version", "update", former, values={"state": SUPERSEDED}))
    await change_internally(write, viewer, changes, clock=clock)


def _ensure_may_edit(viewer: Viewer) -> None:
    if viewer.on("questionnaire_version").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


async def _locked(write: TenantWrite, questionnaire_id: UUID, *, path: tuple[str, ...]) -> asyncpg.Record:
    row = await write.fetchrow(_QUESTIONNAIRE, questionnaire_id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=path)
    return row
