"""Drafting a rule: one open version of a kind at a time, edited under its version number until it is submitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.database.errors import UNKEEPABLE, UnkeepableText
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.json_values import unkeepable
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.rules.kinds import rule_kind
from kedang_tenants.rules.models import DRAFT, IN_FORCE, SUBMITTED

MOST_BYTES: Final = 64 * 1024
"""Of a content as JSON."""
_DEEPEST: Final = 20

# Whoever opens, submits or decides versions of a kind waits for who did it before.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('rules'), hashtext($1))"
_OPEN = f"""
SELECT number FROM rule_version WHERE kind = $1 AND state IN ('{DRAFT}', '{SUBMITTED}') AND archived_at IS NULL
"""
_BASE = f"SELECT id FROM rule_version WHERE kind = $1 AND state = '{IN_FORCE}'"
_NUMBER = "SELECT COALESCE(max(number), 0) + 1 FROM rule_version WHERE kind = $1"
_HELD = """
SELECT id, kind, number, state, version, content, in_force_from, in_force_at, drafted_by_id, submitted_by_id,
    editors
FROM rule_version WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""
_DEPARTMENT = "SELECT department_id FROM member WHERE id = $1"


class DraftExists(BadUserInput):
    """There is an open version of this rule already; there is one at a time."""


class RuleSettled(BadUserInput):
    """The version is not in a state in which this can be done to it."""


class ContentTooLarge(BadUserInput):
    """The content of a rule is longer or deeper than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A version that this transaction has locked."""

    id: UUID
    kind: str
    number: int
    state: str
    version: int
    content: Mapping[str, Any]
    in_force_from: date | None
    in_force_at: object
    drafted_by_id: UUID | None
    submitted_by_id: UUID | None
    editors: tuple[UUID, ...]
    """Who has changed the draft; like the drafter they do not decide on it."""


async def draft_rule(
    write: TenantWrite,
    viewer: Viewer,
    *,
    kind: str,
    content: object,
    reason: str | None = None,
    in_force_from: date | None = None,
    clock: Clock,
) -> UUID:
    """Begin the next version of a rule; returns its id.

    Raises Forbidden, UnknownRuleKind, DraftExists, ContentTooLarge, and Refused with all that is wrong
    with the content, by paths under ``input.content``.
    """
    if viewer.on("rule_version").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    rule_kind(kind)
    checked = await check_content(write, viewer, kind, content)
    await hold_kind(write, kind)
    number = await write.fetchval(_OPEN, kind)
    if number is not None:
        raise DraftExists(
            msg("Version {number} of this rule is open already; it has to be settled first."),
            path=("input", "kind"),
            number=number,
        )
    values = {
        "kind": kind,
        "number": await write.fetchval(_NUMBER, kind),
        "content": checked,
        "reason": reason,
        "in_force_from": in_force_from,
        "based_on_id": await write.fetchval(_BASE, kind),
        "drafted_by_id": viewer.member_id,
        "department_id": await write.fetchval(_DEPARTMENT, viewer.member_id),
    }
    draft = Change("rule_version", "create", new_id(), values=values)
    await change_internally(write, viewer, [draft], clock=clock)
    assert draft.id is not None
    return draft.id


async def change_rule_draft(
    write: TenantWrite,
    viewer: Viewer,
    *,
    version_id: UUID,
    version: int,
    values: Mapping[str, Any],
    clock: Clock,
) -> UUID:
    """Change ``content``, ``reason`` or ``in_force_from`` of a draft as of ``version``; of several editors one wins.

    Raises Forbidden, NotFound, RuleSettled, ContentTooLarge, and Refused (``VERSION_CONFLICT`` for who
    comes late, or what is wrong with the content).
    """
    held = await hold_version(write, viewer, version_id)
    ensure_may_edit(viewer, held)
    ensure_state(held, DRAFT)
    editors = {*held.editors, *({viewer.member_id} if viewer.member_id else ())}
    values = {**values, "editors": sorted(editor.hex for editor in editors)}
    change = Change("rule_version", "update", version_id, version, values=values)
    if version == held.version and "content" in values:
        await check_content(write, viewer, held.kind, values["content"])
    await change_internally(write, viewer, [change], clock=clock)
    return version_id


async def discard_rule_draft(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> UUID:
    """Throw a draft away: it is archived, and its number is not used again. Raises as ``change_rule_draft``."""
    held = await hold_version(write, viewer, version_id)
    ensure_may_edit(viewer, held)
    ensure_state(held, DRAFT)
    await change_internally(write, viewer, [Change("rule_version", "archive", version_id)], clock=clock)
    return version_id


async def hold_kind(write: TenantWrite, kind: str) -> None:
    """Let nobody else open or decide versions of a kind until this transaction ends."""
    await write.fetch(_ONE_AT_A_TIME, f"{write.company.schema}:{kind}")


async def hold_version(
    write: TenantWrite, viewer: Viewer, version_id: UUID, *, path: tuple[str, ...] = ("input", "id")
) -> Held:
    """Lock a version, after its kind; raises NotFound where there is none, or none that the viewer may know of."""
    kind = await write.fetchval("SELECT kind FROM rule_version WHERE id = $1", version_id)
    if kind is not None:
        await hold_kind(write, kind)
    row = await write.fetchrow(_HELD, version_id)
    if row is None or not _sees(viewer, row):
        raise NotFound(msg("There is no such record."), path=path)
    editors = tuple(UUID(hex=editor) for editor in row["editors"] or ())
    return Held(**{**row, "content": orjson.loads(row["content"]), "editors": editors})


def _sees(viewer: Viewer, row: asyncpg.Record) -> bool:
    access = viewer.on("rule_version")
    return viewer.reaches(max(access.names, access.read), row["drafted_by_id"])


def ensure_may_edit(viewer: Viewer, held: Held) -> None:
    """Raise Forbidden unless the version is the viewer's to edit."""
    if not viewer.reaches(viewer.on("rule_version").update, held.drafted_by_id):
        raise Forbidden(msg("You may not do this."))


def ensure_state(held: Held, *states: str) -> None:
    """Raise RuleSettled unless the version is in one of the states."""
    if held.state not in states:
        raise RuleSettled(
            msg("Version {number} of this rule is not in a state in which this can be done."),
            path=("input", "id"),
            number=held.number,
        )


async def check_content(
    read: TenantRead,
    viewer: Viewer,
    kind: str,
    content: object,
    *,
    path: tuple[str | int, ...] = ("input", "content"),
) -> dict[str, Any]:
    """The content; raises Refused with all that is wrong with it, ContentTooLarge for one beyond measure, UnkeepableText."""
    if not isinstance(content, Mapping):
        raise Refused([UserError("INVALID_CONTENT", msg("The content of a rule is an object."), path)])
    if _depth(content) > _DEEPEST or _bytes(content) > MOST_BYTES:
        raise ContentTooLarge(msg("The content of a rule is too long or too deep."), path=path)
    odd = unkeepable(content)
    if odd is not None:
        raise UnkeepableText(UNKEEPABLE, path=(*path, *odd))
    errors = await rule_kind(kind).check(read, viewer, content)
    if errors:
        raise Refused([replace(error, path=(*path, *error.path)) for error in errors])
    return dict(content)


def _bytes(content: Mapping[str, Any]) -> int:
    """How long a content is as JSON; numbers that are too large for it make one that is too long."""
    try:
        return len(orjson.dumps(dict(content)))
    except orjson.JSONEncodeError:
        return MOST_BYTES + 1


def _depth(value: object) -> int:
    """How deeply objects and lists lie in each other, counted until it is too deep."""
    level: list[object] = [value]
    deepest = 0
    while level and deepest <= _DEEPEST:
        level = [inner for each in level for inner in _inside(each)]
        deepest += 1
    return deepest


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
