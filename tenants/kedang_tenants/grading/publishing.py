"""Putting a version of a rule in force: at once, or by a job on its day in the company's zone (G3, T8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.contents import checked_rule, simple_content
from kedang_tenants.grading.drafting import (
    RECORD,
    SchemeGradedByHand,
    ensure_may_set_up,
    hold_rule,
    hold_scheme,
    next_number,
)
from kedang_tenants.grading.models import PUBLISHED
from kedang_tenants.grading.rule_content import GradeRule
from kedang_tenants.grading.schemes import enqueue_regrade
from kedang_tenants.grading.versions import DRAFT, IN_FORCE, SCHEDULED, SUPERSEDED
from kedang_tenants.people.notices import GRADE_CHANGED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

PUT_IN_FORCE: Final = "grading.put_in_force"
"""The kind of job that puts a scheduled version in force on its day; ``rule`` names it."""

_TOLD_FAULTS: Final = 5

_WAITING: Final = f"""
SELECT r.id, r.scheme_id, r.number, r.content, r.in_force_from, r.published_by_id, s.name AS scheme
FROM grade_rule r JOIN grade_scheme s ON s.id = r.scheme_id
WHERE r.id = $1 AND r.state = '{SCHEDULED}' AND r.archived_at IS NULL
"""
_OVERTAKEN: Final = f"""
SELECT id FROM grade_rule WHERE scheme_id = $1 AND id <> $2 AND archived_at IS NULL
  AND (state = '{IN_FORCE}' OR state = '{SCHEDULED}' AND number < $3) ORDER BY id FOR UPDATE
"""
_OTHER_SCHEDULED: Final = f"""
SELECT id FROM grade_rule WHERE scheme_id = $1 AND id <> $2 AND archived_at IS NULL AND state = '{SCHEDULED}'
ORDER BY id FOR UPDATE
"""


async def publish_scheme(write: TenantWrite, viewer: Viewer, *, scheme_id: UUID, clock: Clock) -> UUID:
    """Put a scheme in force as its own fields and its levels' minimums say, and have everybody graded.

    What is in force already makes no new version. Returns the job's id. Raises Forbidden, NotFound,
    SchemeGradedByHand, and Refused with every fault of the scheme and its levels.
    """
    ensure_may_set_up(viewer)
    scheme = await hold_scheme(write, scheme_id, path=("input", "id"))
    content = await simple_content(
        write,
        scheme_id=scheme_id,
        measure=scheme["measure"],
        period=scheme["period"],
        year=scheme["year"],
    )
    number = await next_number(write, scheme_id)
    try:
        rule = await checked_rule(write, scheme_id=scheme_id, content=content, version=number)
    except Refused as refused:
        raise Refused([_of_scheme(error) for error in refused.errors]) from refused
    if _is_in_force(scheme, rule):
        return await enqueue_regrade(write, scheme_id)
    values = {
        "scheme_id": scheme_id,
        "number": number,
        "content": content,
        "drafted_by_id": viewer.member_id,
        "changed_by_id": viewer.member_id,
        "published_by_id": viewer.member_id,
        "state": SUPERSEDED,
    }
    (made,) = await change_internally(write, viewer, [Change(RECORD, "create", values=values)], clock=clock)
    return await _put_in_force(write, viewer, scheme_id, made.id, rule, clock)


async def publish_grade_rule(
    write: TenantWrite,
    viewer: Viewer,
    *,
    rule_id: UUID,
    version: int | None = None,
    in_force_from: date | None = None,
    clock: Clock,
) -> UUID | None:
    """Put a draft in force, or schedule it for a day to come; a scheduled version may be given another day.

    Returns the id of the job that grades everybody, None for what is scheduled. Raises Forbidden, NotFound,
    RuleSettled, SchemeGradedByHand, and Refused with what is wrong with the content by now, with a day that has
    passed, or with ``VERSION_CONFLICT``.
    """
    held = await hold_rule(write, viewer, rule_id, DRAFT, SCHEDULED)
    await hold_scheme(write, held["scheme_id"], path=("input", "id"))
    rule = await checked_rule(
        write, scheme_id=held["scheme_id"], content=held["content"], version=held["number"]
    )
    today = viewer.today(clock)
    if in_force_from is not None and in_force_from < today:
        path = ("input", "inForceFrom")
        raise Refused([UserError("IN_THE_PAST", msg("This lies in the past."), path)])
    later = in_force_from is not None and in_force_from > today
    values: dict[str, object] = {"published_by_id": viewer.member_id, "in_force_from": in_force_from}
    if later:
        await _supersede(
            write, viewer, await write.fetch(_OTHER_SCHEDULED, held["scheme_id"], rule_id), clock
        )
        values["state"] = SCHEDULED
    await _update(write, viewer, rule_id, values, clock, version=version)
    if in_force_from is not None and later:
        await _wait(write, rule_id, in_force_from, viewer.time_zone)
        return None
    return await _put_in_force(write, viewer, held["scheme_id"], rule_id, rule, clock)


async def put_in_force(write: TenantWrite, viewer: Viewer, *, rule_id: UUID, clock: Clock) -> bool:
    """Put a scheduled version in force if its day has come; whether it is now. For the job, which may come twice.

    What cannot be put in force by now, because a field that it measures is gone or its scheme is left to the hand,
    stays scheduled, and who published it is told.
    """
    row = await write.fetchrow(_WAITING, rule_id)
    if row is None:
        return False
    if row["in_force_from"] > viewer.today(
        clock
    ):  # another day was said, or the company went to another zone
        await _wait(write, rule_id, row["in_force_from"], viewer.time_zone)
        return False
    content = orjson.loads(row["content"])
    try:
        await hold_scheme(write, row["scheme_id"])
        rule = await checked_rule(write, scheme_id=row["scheme_id"], content=content, version=row["number"])
    except (Refused, SchemeGradedByHand) as refused:
        faults = refused.errors if isinstance(refused, Refused) else [UserError.of(refused)]
        await _tell_of_faults(write, viewer, row, faults, clock)
        return False
    await _put_in_force(write, viewer, row["scheme_id"], rule_id, rule, clock)
    return True


async def _put_in_force(
    write: TenantWrite, viewer: Viewer, scheme_id: UUID, rule_id: UUID, rule: GradeRule, clock: Clock
) -> UUID:
    now = clock.now()
    overtaken = await write.fetch(_OVERTAKEN, scheme_id, rule_id, rule.version)
    await _supersede(write, viewer, overtaken, clock)
    await _update(write, viewer, rule_id, {"state": IN_FORCE, "in_force_at": now}, clock)
    values = {
        "state": PUBLISHED,
        "rule": rule.document(),
        "rule_version": rule.version,
        "published_at": now,
    }
    await change_internally(
        write, viewer, [Change("grade_scheme", "update", scheme_id, values=values)], clock=clock
    )
    return await enqueue_regrade(write, scheme_id)


async def _supersede(
    write: TenantWrite, viewer: Viewer, rows: Sequence[asyncpg.Record], clock: Clock
) -> None:
    values = {"state": SUPERSEDED, "ended_at": clock.now()}
    changes = [Change(RECORD, "update", row["id"], values=values) for row in rows]
    if changes:
        await change_internally(write, viewer, changes, clock=clock)


async def _update(
    write: TenantWrite,
    viewer: Viewer,
    rule_id: UUID,
    values: Mapping[str, object],
    clock: Clock,
    *,
    version: int | None = None,
) -> None:
    await change_internally(write, viewer, [Change(RECORD, "update", rule_id, version, values)], clock=clock)


async def _wait(write: TenantWrite, rule_id: UUID, day: date, zone: str) -> None:
    """Ask for the version to be put in force when its day begins; a job that comes too often does no harm."""
    begins = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    await enqueue(write, NewJob(PUT_IN_FORCE, {"rule": str(rule_id)}, due_at=begins))


async def _tell_of_faults(
    write: TenantWrite,
    viewer: Viewer,
    row: asyncpg.Record,
    faults: Sequence[UserError],
    clock: Clock,
) -> None:
    if row["published_by_id"] is None:
        return
    telling = Telling(
        kind=GRADE_CHANGED,
        member_id=row["published_by_id"],
        occasion=f"not in force:{row['id'].hex}:{row['in_force_from']}",
        title=msg("Version {number} of the rule “{scheme}” could not be put in force"),
        body=msg(
            "Version {number} of the rule of “{scheme}” was to be in force from {day}, but does not fit any more:"
            " {faults} Publish it anew, or another one."
        ),
        params={
            "number": row["number"],
            "scheme": row["scheme"],
            "day": row["in_force_from"],
            "faults": in_our_languages(lambda language: _said(faults, language)),
        },
        about=(RECORD, row["id"]),
    )
    await tell(write, viewer, [telling], clock=clock)


def _said(faults: Sequence[UserError], language: Language) -> str:
    """The first few of what is wrong, in words."""
    words = [translate(fault.message, language, fault.params) for fault in faults[:_TOLD_FAULTS]]
    return (" " if language == "en" else "").join(words)


def _is_in_force(scheme: asyncpg.Record, rule: GradeRule) -> bool:
    """Whether a rule says what the scheme's rule in force does, whatever the number of its version."""
    if scheme["rule"] is None or scheme["state"] != PUBLISHED:
        return False
    present: dict[str, Any] = orjson.loads(scheme["rule"])
    return {**rule.document(), "version": 0} == {**present, "version": 0}


def _of_scheme(error: UserError) -> UserError:
    """A fault of the content told where the scheme has it: with its own fields or with its levels."""
    if error.path[:2] != ("input", "content"):
        return error
    rest = error.path[2:]
    field = "year" if "year" in rest else rest[0] if rest else "levels"
    return UserError(error.code, error.message, ("input", str(field)), error.params)
