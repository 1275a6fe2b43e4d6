"""Making daily reports out of the day's records: by themselves in the evening, or when somebody asks (F5).

Making one again adds what has happened since, and follows what was corrected; a card that somebody has edited or
taken out stays so, and a report that was submitted is left alone: what is noted later comes into the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.dailies.cards import Told, told_by
from kedang_tenants.dailies.models import DAILY, RETURN_VISIT, SUBMITTED
from kedang_tenants.dailies.superiors import ACCOUNT_MANAGER
from kedang_tenants.people.policy import FULL
from kedang_tenants.reading import Scope, Viewer

REPORT: Final = "daily_report"
CARD: Final = "daily_report_card"

# Two that make a member's report of one day wait for each other.
_ONE_AT_A_TIME: Final = """
SELECT pg_advisory_xact_lock(hashtext('daily reports'), asked.key)
FROM (SELECT DISTINCT hashtext($1 || member::text || $2) AS key FROM unnest($3::uuid[]) AS member ORDER BY 1) asked
"""
# Whoever submits one of these meanwhile waits, or has done so already. What was submitted is not locked: that an
# account manager's report gathers.
_HELD: Final = """
SELECT id FROM daily_report WHERE member_id = ANY($1::uuid[]) AND day = $2 AND state <> 'SUBMITTED' AND archived_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""
_REPORTS: Final = """
SELECT id, member_id, state FROM daily_report WHERE member_id = ANY($1::uuid[]) AND day = $2 AND archived_at IS NULL
"""
_CARDS: Final = """
SELECT c.*, r.member_id FROM daily_report_card c JOIN daily_report r ON r.id = c.report_id
WHERE c.report_id = ANY($1::uuid[]) AND (c.follow_up_record_id IS NOT NULL OR c.meeting_id IS NOT NULL)
"""


class ReportSubmitted(KedangError):
    """A report that was submitted stays as it is."""


async def make_report(write: TenantWrite, viewer: Viewer, *, day: date | None, clock: Clock) -> UUID:
    """Make the viewer's own report of a day, today where none is said, or make its cards anew; returns its id.

    Raises Forbidden, ReportSubmitted, and Refused for a day that has not begun.
    """
    writer = viewer.member_id
    if writer is None or viewer.on(REPORT).create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    today = viewer.today(clock)
    day = day or today
    if day > today:
        raise Refused([UserError("IN_THE_FUTURE", msg("This lies in the future."), ("input", "day"))])
    kinds = {writer: kind_of(viewer.roles)}
    made = await make_reports(write, viewer, kinds, day=day, empty=True, clock=clock)
    if writer not in made:
        raise ReportSubmitted(msg("This report was submitted already."), path=("input", "day"))
    return made[writer]


def kind_of(roles: Iterable[str]) -> str:
    """What the report of somebody with these roles is."""
    return RETURN_VISIT if ACCOUNT_MANAGER in roles else DAILY


async def make_reports(
    write: TenantWrite, viewer: Viewer, kinds: Mapping[UUID, str], *, day: date, empty: bool, clock: Clock
) -> dict[UUID, UUID]:
    """Make the drafts of these members, each of its kind; returns the drafts by their member, as which returned ones count.

    Without ``empty`` whoever has nothing to tell gets none. Who has submitted is left out.
    """
    members = sorted(kinds)
    await write.fetch(_ONE_AT_A_TIME, write.company.schema, day.isoformat(), members)
    await write.fetch(_HELD, members, day)
    told: dict[UUID, list[Told]] = defaultdict(list)
    for one in await told_by(write, members, day=day, zone=viewer.time_zone, now=clock.now()):
        told[one.member_id].append(one)
    standing = {row["member_id"]: row for row in await write.fetch(_REPORTS, members, day)}
    drafts = {member: row["id"] for member, row in standing.items() if row["state"] != SUBMITTED}
    new = {member: new_id() for member in members if member not in standing and (empty or told[member])}
    cards = await _cards_of(write, list(drafts.values()))
    changes = [_new_report(member, report, kinds[member], day, clock) for member, report in new.items()]
    for member, report in {**drafts, **new}.items():
        steps = _card_steps(report, told[member], cards.get(report, []))
        if steps and member in drafts:
            changes.append(Change(REPORT, "update", report, values={"made_at": clock.now()}))
        changes += steps
    await change_internally(write, seeing_all(viewer), changes, clock=clock)
    return {**drafts, **new}


def seeing_all(viewer: Viewer) -> Viewer:
    """The viewer as who may name any customer and what was noted there: one tells of contacts with others' customers, too."""
    named = dict.fromkeys(("customer", "follow_up_record", "meeting", CARD), FULL)
    return replace(viewer, access={**viewer.access, **named}, closed=False, known_masks={})


async def _cards_of(read: TenantRead, reports: Sequence[UUID]) -> dict[UUID, list[asyncpg.Record]]:
    cards: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await read.fetch(_CARDS, list(reports)):
        cards[row["report_id"]].append(row)
    return cards


def _new_report(member: UUID, report: UUID, kind: str, day: date, clock: Clock) -> Change:
    values = {"member_id": member, "day": day, "kind": kind, "made_at": clock.now()}
    return Change(REPORT, "create", report, values=values)


def _card_steps(report: UUID, told: Sequence[Told], cards: Sequence[asyncpg.Record]) -> list[Change]:
    """What makes the cards of a draft tell what there is to tell."""
    standing = {_source_of(card): card for card in cards}
    steps = [step for one in told for step in _steps_of(report, one, standing)]
    sources = {one.source_id for one in told}
    gone = [
        card
        for source, card in standing.items()
        if source not in sources and not card["edited"] and card["archived_at"] is None
    ]
    # Saying that nobody edited it tells this from a card that somebody took out.
    return [*steps, *(Change(CARD, "archive", card["id"], values={"edited": False}) for card in gone)]


def _source_of(card: asyncpg.Record) -> UUID:
    source: UUID = card["follow_up_record_id"] or card["meeting_id"]
    return source


def _steps_of(report: UUID, one: Told, standing: Mapping[UUID, asyncpg.Record]) -> list[Change]:
    values: dict[str, Any] = {"at": one.at, **one.texts}
    card = standing.get(one.source_id)
    if card is None:
        said = {"report_id": report, "customer_id": one.customer_id, one.source: one.source_id}
        return [Change(CARD, "create", values={**said, **values, "edited": False})]
    if card["edited"]:
        return []
    steps = []
    if card["archived_at"] is not None:  # its source was gone for a while
        steps.append(Change(CARD, "restore", card["id"], values={"edited": False}))
    if any(card[name] != value for name, value in values.items()):
        steps.append(Change(CARD, "update", card["id"], values={**values, "edited": False}))
    return steps
