"""Drafting the next version of a scheme's rule: one draft a scheme, edited under its version number (G3, T8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold_for_change
from kedang_tenants.grading.contents import checked_rule, simple_content
from kedang_tenants.grading.models import HAND, PUBLISHED
from kedang_tenants.grading.versions import DRAFT, IN_FORCE, SCHEDULED
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.rules.drafting import DraftExists, RuleSettled

RECORD: Final = "grade_rule"

GRADED_BY_HAND: Final = msg("The grades of this scheme are given by hand; it has no rule.")


class SchemeGradedByHand(BadUserInput):
    """The scheme has no rule: its grades are given by hand."""


_SCHEME: Final = """
SELECT id, measure, period, year, state, graded_by, leads, rule_version, rule FROM grade_scheme
WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE
"""
_NUMBER: Final = """
SELECT GREATEST(COALESCE(max(r.number), 0), s.rule_version) + 1
FROM grade_scheme s LEFT JOIN grade_rule r ON r.scheme_id = s.id WHERE s.id = $1 GROUP BY s.rule_version
"""
_OPEN: Final = f"""
SELECT number FROM grade_rule WHERE scheme_id = $1 AND state = '{DRAFT}' AND archived_at IS NULL
"""
_PRESENT: Final = f"SELECT content FROM grade_rule WHERE scheme_id = $1 AND state = '{IN_FORCE}'"


async def draft_grade_rule(
    write: TenantWrite,
    viewer: Viewer,
    *,
    scheme_id: UUID,
    content: object = None,
    reason: str | None = None,
    clock: Clock,
) -> UUID:
    """Begin the next version of a scheme's rule; returns its id.

    Without ``content`` it begins as the version in force, or as the levels' own minimums say. Raises Forbidden,
    NotFound, SchemeGradedByHand, DraftExists, and Refused with all that is wrong with the content.
    """
    ensure_may_set_up(viewer)
    scheme = await hold_scheme(write, scheme_id)
    open_number = await write.fetchval(_OPEN, scheme_id)
    if open_number is not None:
        raise DraftExists(
            msg("Version {number} of this rule is open already; it has to be settled first."),
            path=("input", "schemeId"),
            number=open_number,
        )
    if content is None:
        content = await _present(write, scheme)
    number = await next_number(write, scheme_id)
    await checked_rule(write, scheme_id=scheme_id, content=content, version=number)
    values = {
        "scheme_id": scheme_id,
        "number": number,
        "content": content,
        "reason": reason,
        "drafted_by_id": viewer.member_id,
        "changed_by_id": viewer.member_id,
    }
    (made,) = await change_internally(write, viewer, [Change(RECORD, "create", values=values)], clock=clock)
    return made.id


async def change_grade_rule(
    write: TenantWrite,
    viewer: Viewer,
    *,
    rule_id: UUID,
    version: int,
    values: Mapping[str, Any],
    clock: Clock,
) -> UUID:
    """Change ``content`` or ``reason`` of a draft as of ``version``: of several editors one wins, the others are told.

    Raises Forbidden, NotFound, RuleSettled, and Refused (``VERSION_CONFLICT`` for who comes late, or what is wrong
    with the content).
    """
    held = await hold_rule(write, viewer, rule_id, DRAFT)
    if version == held["version"] and "content" in values:
        await checked_rule(
            write, scheme_id=held["scheme_id"], content=values["content"], version=held["number"]
        )
    told = {**values, "changed_by_id": viewer.member_id}
    await change_internally(write, viewer, [Change(RECORD, "update", rule_id, version, told)], clock=clock)
    return rule_id


async def discard_grade_rule(
    write: TenantWrite, viewer: Viewer, *, rule_id: UUID, version: int | None = None, clock: Clock
) -> UUID:
    """Throw away a draft, or a version that is scheduled: it is archived, and its number is not used again.

    Raises Forbidden, NotFound, RuleSettled, and Refused (``VERSION_CONFLICT``).
    """
    await hold_rule(write, viewer, rule_id, DRAFT, SCHEDULED)
    await change_internally(write, viewer, [Change(RECORD, "archive", rule_id, version)], clock=clock)
    return rule_id


def ensure_may_set_up(viewer: Viewer) -> None:
    """Raise Forbidden unless the viewer sets up the company's grades."""
    if viewer.on("grade_scheme").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))


async def hold_scheme(
    write: TenantWrite, scheme_id: UUID, *, path: tuple[str, ...] = ("input", "schemeId")
) -> asyncpg.Record:
    """Lock a scheme that has rules; raises NotFound, SchemeGradedByHand."""
    row = await write.fetchrow(_SCHEME, scheme_id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=path)
    if row["graded_by"] == HAND:
        raise SchemeGradedByHand(GRADED_BY_HAND, path=path)
    return row


async def hold_rule(write: TenantWrite, viewer: Viewer, rule_id: UUID, *states: str) -> Row:
    """Lock a version after its scheme, ``content`` read; raises Forbidden, NotFound, Archived, RuleSettled."""
    ensure_may_set_up(viewer)
    scheme = await write.fetchval(f"SELECT scheme_id FROM {RECORD} WHERE id = $1", rule_id)
    if scheme is not None:
        await write.fetchrow(_SCHEME, scheme)
    row = await hold_for_change(write, viewer, RECORD, rule_id)
    if row["state"] not in states:
        raise RuleSettled(
            msg("Version {number} of this rule is not in a state in which this can be done."),
            path=("input", "id"),
            number=row["number"],
        )
    return {**row, "content": orjson.loads(row["content"])}


async def next_number(write: TenantWrite, scheme_id: UUID) -> int:
    """The number of the next version of a scheme that is held."""
    return int(await write.fetchval(_NUMBER, scheme_id))


async def _present(write: TenantWrite, scheme: asyncpg.Record) -> Any:
    content = await write.fetchval(_PRESENT, scheme["id"]) if scheme["state"] == PUBLISHED else None
    if content is not None:
        return orjson.loads(content)
    return await simple_content(
        write,
        scheme_id=scheme["id"],
        measure=scheme["measure"],
        period=scheme["period"],
        year=scheme["year"],
    )
