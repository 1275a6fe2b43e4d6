"""Making the trial that was asked for: the job's one transaction (G3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Refused
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.back_tests import back_test
from kedang_tenants.grading.contents import checked_rule
from kedang_tenants.grading.dry_runs import Outcome, Trial, dry_run
from kedang_tenants.grading.judging import OF_EVERYBODY
from kedang_tenants.grading.periods import ends_of_months
from kedang_tenants.grading.rule_content import GradeRule
from kedang_tenants.grading.schemes import schemes_in_force
from kedang_tenants.grading.trials import BACK_TEST, DONE, FAILED, WAITING
from kedang_tenants.grading.versions import IN_FORCE
from kedang_tenants.reading import Viewer

_TRIAL: Final = """
SELECT t.id, t.scheme_id, t.rule_id, t.kind, t.state, t.content, t.as_of, t.months, r.number, r.state AS rule_state
FROM grade_trial t JOIN grade_rule r ON r.id = t.rule_id
WHERE t.id = $1 FOR UPDATE OF t
"""


async def make_trial(
    write: TenantWrite, viewer: Viewer, *, trial_id: UUID, clock: Clock
) -> Mapping[str, int]:
    """Make a trial that waits; what it told, by ``seen`` and ``moved``. Repeating it changes nothing.

    A trial whose content does not fit the scheme any more has failed.
    """
    row = await write.fetchrow(_TRIAL, trial_id)
    if row is None or row["state"] != WAITING:
        return {}
    try:
        rule = await _rule(write, row)
    except Refused:
        await _conclude(write, viewer, trial_id, {"state": FAILED}, clock)
        return {}
    await write.fetch(OF_EVERYBODY)
    outcome = await _outcome(write, viewer, row, rule, clock)
    values = {
        "state": DONE,
        "seen": outcome.seen,
        "moved": outcome.moved,
        "kept_by_hand": outcome.kept_by_hand,
        "outcome": outcome.document,
    }
    await _conclude(write, viewer, trial_id, values, clock)
    return {"seen": outcome.seen, "moved": outcome.moved}


async def _rule(read: TenantRead, row: asyncpg.Record) -> GradeRule:
    """The rule that is tried: of the version in force what a run goes by, else the content; raises Refused."""
    if row["rule_state"] == IN_FORCE:
        for scheme in await schemes_in_force(read, row["scheme_id"]):
            return scheme.rule
    return await checked_rule(
        read, scheme_id=row["scheme_id"], content=orjson.loads(row["content"]), version=row["number"]
    )


async def _outcome(
    write: TenantWrite, viewer: Viewer, row: asyncpg.Record, rule: GradeRule, clock: Clock
) -> Outcome:
    trial = Trial(row["id"], row["scheme_id"], rule, row["rule_state"] == IN_FORCE)
    if row["kind"] == BACK_TEST:
        days = ends_of_months(row["as_of"] + timedelta(days=1), count=row["months"])
        return await back_test(write, trial, days=days, currency=viewer.currency, clock=clock)
    return await dry_run(write, trial, as_of=row["as_of"], currency=viewer.currency, clock=clock)


async def _conclude(
    write: TenantWrite, viewer: Viewer, trial_id: UUID, values: Mapping[str, object], clock: Clock
) -> None:
    told = {**values, "finished_at": clock.now()}
    await change_internally(
        write, viewer, [Change("grade_trial", "update", trial_id, values=told)], clock=clock
    )
