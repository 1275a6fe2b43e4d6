"""What happened with customers on a day, as the cards of daily reports tell it (F5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import language_of

_LONGEST: Final = 5000
_TEXTS: Final = ("wishes", "matters", "market", "reaction", "other")

_LATE: Final = timedelta(days=7)
"""So far back is looked for what was noted after the report of its day had been submitted."""


def _is_told_of(source: str, row: str, at: str, member: str) -> str:
    """The condition that what happened ``at`` is for the report of the day $5 to tell, and for no other one.

    That is what happened on the day ($2 to before $3), and since $4 what came too late for the report of its own day,
    which had been submitted. What stands on a card of another report of the member stays there, where somebody
    took it out as well.
    """
    return f"""
{at} < $3 AND ({at} >= $2 OR {at} >= $4 AND EXISTS (
    SELECT 1 FROM daily_report d WHERE d.member_id = {member} AND d.day = ({at} AT TIME ZONE $6)::date
    AND d.state = 'SUBMITTED' AND d.archived_at IS NULL))
AND NOT EXISTS (
    SELECT 1 FROM daily_report_card k JOIN daily_report d ON d.id = k.report_id
    WHERE k.{source} = {row}.id AND d.member_id = {member} AND d.day <> $5 AND (k.archived_at IS NULL OR k.edited))"""


# A contact that reached nobody has nothing to tell of.
_RECORDS: Final = f"""
SELECT r.member_id, m.language, r.id, r.customer_id, r.at, r.needs, r.problems, r.content, r.result, r.next_step,
       r.competitors, r.market_news
FROM follow_up_record r JOIN customer c ON c.id = r.customer_id AND c.archived_at IS NULL
JOIN member m ON m.id = r.member_id
WHERE r.member_id = ANY($1::uuid[]) AND r.reached AND r.archived_at IS NULL
  AND {_is_told_of("follow_up_record_id", "r", "r.at", "r.member_id")}
ORDER BY r.at, r.id
"""
# Of the members who attended, whoever noted that somebody did not.
_MEETINGS: Final = f"""
SELECT w.member_id, m.language, g.id, g.customer_id, g.starts_at AS at, g.subject, g.decisions, g.minutes
FROM meeting g JOIN customer c ON c.id = g.customer_id AND c.archived_at IS NULL
CROSS JOIN LATERAL (
    SELECT g.organiser_id AS member_id
    WHERE NOT EXISTS (SELECT 1 FROM meeting_attendee a WHERE a.meeting_id = g.id AND a.member_id = g.organiser_id
                      AND a.attended = false AND a.archived_at IS NULL)
    UNION SELECT a.member_id FROM meeting_attendee a
    WHERE a.meeting_id = g.id AND a.archived_at IS NULL AND a.attended IS DISTINCT FROM false
) w JOIN member m ON m.id = w.member_id
WHERE w.member_id = ANY($1::uuid[]) AND g.ends_at <= $7 AND g.archived_at IS NULL
  AND {_is_told_of("meeting_id", "g", "g.starts_at", "w.member_id")}
ORDER BY g.starts_at, g.id
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one contact or meeting has to tell a member's report; ``source`` names its column on the card."""

    member_id: UUID
    source: str
    source_id: UUID
    customer_id: UUID
    at: datetime
    texts: Mapping[str, str | None]


def day_of(day: date, zone: str) -> tuple[datetime, datetime]:
    """The first instant of a day on the clocks of a zone, and that of the next."""
    begin, end = (datetime.combine(one, time(), ZoneInfo(zone)) for one in (day, day + timedelta(days=1)))
    return begin, end


async def told_by(
    read: TenantRead, members: Sequence[UUID], *, day: date, zone: str, now: datetime
) -> list[Told]:
    """What these members did with customers on the day as it lies in their records, each in their own language.

    With it comes what was noted of the days before after their reports had been submitted.
    """
    begin, end = day_of(day, zone)
    asked = (list(members), begin, end, begin - _LATE, day, zone)
    records = await read.fetch(_RECORDS, *asked)
    meetings = await read.fetch(_MEETINGS, *asked, now)
    return [*map(_of_record, records), *map(_of_meeting, meetings)]


def _of_record(row: asyncpg.Record) -> Told:
    language = language_of(row["language"])
    texts = {
        "wishes": _joined(row["needs"], row["problems"]),
        "matters": _joined(row["content"], _labelled(msg("Outcome: {text}"), row["result"], language)),
        "market": _joined(row["competitors"], row["market_news"]),
        "other": _labelled(msg("Next step: {text}"), row["next_step"], language),
    }
    return Told(
        row["member_id"], "follow_up_record_id", row["id"], row["customer_id"], row["at"], _all(texts)
    )


def _of_meeting(row: asyncpg.Record) -> Told:
    language = language_of(row["language"])
    said = _labelled(msg("Decisions: {text}"), row["decisions"], language) or row["minutes"]
    texts = {"matters": _joined(_labelled(msg("Meeting: {text}"), row["subject"], language), said)}
    return Told(row["member_id"], "meeting_id", row["id"], row["customer_id"], row["at"], _all(texts))


def _all(texts: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: texts.get(name) for name in _TEXTS}


def _joined(*texts: str | None) -> str | None:
    return "\n".join(text for text in texts if text)[:_LONGEST].strip() or None


def _labelled(msgid: str, text: str | None, language: Language) -> str | None:
    return translate(msgid, language, {"text": text})[:_LONGEST] if text else None
