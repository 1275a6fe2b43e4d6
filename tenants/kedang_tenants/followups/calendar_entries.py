"""What stands in a member's calendar (F8): follow-ups, days out, meetings, what was agreed there.

All of it is read with the member's own rights, as they are at this moment: names of customers that they no longer
see are left out, and so is whatever lies in an archive that is closed to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_tenants.catalogue import catalogue
from kedang_tenants.followups.icalendar import Entry
from kedang_tenants.followups.models import WAYS
from kedang_tenants.followups.visits import APPROVED, FINISHED
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement

BACK: Final = timedelta(days=90)
AHEAD: Final = timedelta(days=400)
"""How far a calendar reaches from today."""
MOST: Final = 2_000
"""Entries of each kind: those nearest to today, so that a past full of calls hides nothing of what comes."""
_USUAL: Final = timedelta(hours=1)
"""How long something takes that says nothing of it."""
_SHORTEST: Final = timedelta(minutes=1)
"""What lasts no time: an entry ends after it begins (RFC 5545, 3.8.2.2)."""
_ONE_DAY: Final = timedelta(days=1)
_WAYS: Final = {option.code: option.label for option in WAYS}

# What is done stands on the day on which it was: a plan by the cycle is done long before it is due.
_PLANS: Final = """
SELECT t.id, t.version, t.updated_at, d.stands AS day, CASE WHEN d.stands = p.day THEN t.at_time END AS at_time,
       t.duration_minutes, t.way, t.purpose, t.content, t.preparation, {customer} AS customer, {address} AS address,
       {contact} AS contact
FROM follow_up_plan t JOIN customer c ON c.id = t.customer_id AND c.archived_at IS NULL
LEFT JOIN visit_form f ON f.id = t.visit_form_id AND f.archived_at IS NULL
     AND f.state NOT IN ('REFUSED', 'CALLED_OFF')
LEFT JOIN contact k ON k.id = t.contact_id AND k.archived_at IS NULL
CROSS JOIN LATERAL (SELECT COALESCE(f.visit_on, t.due_on) AS day) p
CROSS JOIN LATERAL (SELECT CASE t.state WHEN 'DONE' THEN COALESCE(t.done_on, p.day) ELSE p.day END AS stands) d
WHERE t.owner_id = {member} AND t.state IN ('PLANNED', 'DONE') AND t.archived_at IS NULL
  AND d.stands BETWEEN {first} AND {last} AND {readable}
ORDER BY abs(d.stands - {today}), t.id LIMIT {most}
"""
_FORMS: Final = """
SELECT t.id, t.version, t.updated_at, t.visit_on AS day, t.leaves_at, t.returns_at, t.purpose, t.means, t.state,
       t.planned_visits
FROM visit_form t
WHERE t.member_id = {member} AND t.state NOT IN ('REFUSED', 'CALLED_OFF') AND t.archived_at IS NULL
  AND t.visit_on BETWEEN {first} AND {last} AND {readable}
ORDER BY abs(t.visit_on - {today}), t.id LIMIT {most}
"""
_MEETINGS: Final = """
SELECT t.id, t.version, t.updated_at, t.starts_at, t.ends_at, t.subject, t.place, t.aim, t.agenda,
       {customer} AS customer
FROM meeting t JOIN customer c ON c.id = t.customer_id AND c.archived_at IS NULL
WHERE t.archived_at IS NULL AND (t.organiser_id = {member} OR EXISTS (
    SELECT FROM meeting_attendee a WHERE a.meeting_id = t.id AND a.member_id = {member} AND a.archived_at IS NULL
      AND a.attended IS DISTINCT FROM false))
  AND t.starts_at >= {first} AND t.starts_at < {last} AND {readable}
ORDER BY abs(t.starts_at::date - {today}), t.id LIMIT {most}
"""
_ACTIONS: Final = """
SELECT t.id, t.version, t.updated_at, t.due_on AS day, t.task, m.subject
FROM meeting_action t JOIN meeting m ON m.id = t.meeting_id AND m.archived_at IS NULL
WHERE t.owner_id = {member} AND t.done_on IS NULL AND t.archived_at IS NULL
  AND t.due_on BETWEEN {first} AND {last} AND {readable}
ORDER BY abs(t.due_on - {today}), t.id LIMIT {most}
"""


async def calendar_of(read: TenantRead, viewer: Viewer, *, host: str, clock: Clock) -> list[Entry]:
    """The viewer's calendar from 90 days back to 400 days ahead, in the viewer's language; ``host`` makes ids unique."""
    zone, today = ZoneInfo(viewer.time_zone), viewer.today(clock)
    language = choose_language(viewer.language)
    found: list[Entry] = []
    for record, sql, entry in (
        ("follow_up_plan", _PLANS, _plan),
        ("visit_form", _FORMS, _form),
        ("meeting", _MEETINGS, _meeting),
        ("meeting_action", _ACTIONS, _action),
    ):
        prefix = catalogue().record(record).prefix
        for row in await _rows(read, viewer, record, sql, today):
            told = {
                "uid": f"{prefix}_{row['id'].hex}@{host}",
                "changed_at": row["updated_at"],
                "sequence": row["version"] - 1,
            }
            found.append(entry(row, zone, language, told))
    return found


async def _rows(
    read: TenantRead, viewer: Viewer, record: str, sql: str, today: date
) -> list[Mapping[str, Any]]:
    statement, records = Statement(), catalogue()
    kind = records.record(record)
    places = {
        "member": f"{statement.bind(viewer.member_id)}::uuid",
        "first": f"{statement.bind(today - BACK)}::date",
        "last": f"{statement.bind(today + AHEAD)}::date",
        "today": f"{statement.bind(today)}::date",
        "most": str(MOST),
        "readable": owned(statement, viewer, kind, "t", viewer.on(record).read) or "TRUE",
    }
    if "{customer}" in sql:
        seen = visible(statement, viewer, records.record("customer"), "c") or "TRUE"
        places["customer"] = f"CASE WHEN {seen} THEN c.name END"
    if "{address}" in sql:
        whole = (
            owned(statement, viewer, records.record("customer"), "c", viewer.on("customer").read) or "TRUE"
        )
        known = owned(statement, viewer, records.record("contact"), "k", viewer.on("contact").read) or "TRUE"
        places["address"] = f"CASE WHEN {whole} THEN concat_ws(', ', c.address, c.city) END"
        places["contact"] = f"CASE WHEN {known} THEN k.name END"
    nearest = f"SELECT * FROM ({sql.format(**places)}) nearest ORDER BY 4, id"
    return [dict(row) for row in await read.fetch(nearest, *statement.values)]


def _plan(row: Mapping[str, Any], zone: ZoneInfo, language: Language, told: dict[str, Any]) -> Entry:
    begins, ends = _span(row["day"], row["at_time"], row["duration_minutes"], zone)
    way = translate(_WAYS.get(row["way"], msg("Follow-up")), language)
    whom = {"way": way, "customer": row["customer"] or "–"}
    said = [
        row["purpose"],
        _line(msg("Person to be met: {text}"), row["contact"], language),
        row["content"],
        row["preparation"],
    ]
    return Entry(
        begins=begins,
        ends=ends,
        summary=translate(msg("{way}: {customer}"), language, whom),
        description=_together(said),
        location=(row["address"] or "") if row["way"] in {"VISIT", "MEETING"} else "",
        category=way,
        busy=isinstance(begins, datetime),
        **told,
    )


def _form(row: Mapping[str, Any], zone: ZoneInfo, language: Language, told: dict[str, Any]) -> Entry:
    begins, ends = _span(row["day"], row["leaves_at"], None, zone)
    if row["leaves_at"] and row["returns_at"]:
        leaves, returns = (_at(row["day"], row[name], zone) for name in ("leaves_at", "returns_at"))
        ends = max(returns, leaves + _SHORTEST)
    title = msg("Out with customers ({visits} visits)")
    return Entry(
        begins=begins,
        ends=ends,
        summary=translate(title, language, {"visits": row["planned_visits"]}),
        description=_together([row["purpose"], row["means"]]),
        category=translate(msg("Visit form"), language),
        status="CONFIRMED" if row["state"] in {APPROVED, FINISHED} else "TENTATIVE",
        busy=False,
        **told,
    )


def _meeting(row: Mapping[str, Any], _zone: ZoneInfo, language: Language, told: dict[str, Any]) -> Entry:
    whom = {"subject": row["subject"], "customer": row["customer"] or "–"}
    said = [
        _line(msg("Aim: {text}"), row["aim"], language),
        _line(msg("Agenda: {text}"), row["agenda"], language),
    ]
    return Entry(
        begins=row["starts_at"],
        ends=row["ends_at"],
        summary=translate(msg("{subject} ({customer})"), language, whom),
        description=_together(said),
        location=row["place"] or "",
        category=translate(msg("Meeting"), language),
        **told,
    )


def _action(row: Mapping[str, Any], _zone: ZoneInfo, language: Language, told: dict[str, Any]) -> Entry:
    return Entry(
        begins=row["day"],
        ends=row["day"] + _ONE_DAY,
        summary=" ".join(row["task"].split())[:200],
        description=_line(msg("agreed at the meeting “{text}”"), row["subject"], language) or "",
        category=translate(msg("Action of a meeting"), language),
        busy=False,
        **told,
    )


def _span(
    day: date, at: str | None, minutes: int | None, zone: ZoneInfo
) -> tuple[date | datetime, date | datetime]:
    """The whole day, or from a time of it on for as long as it takes."""
    if at is None:
        return day, day + _ONE_DAY
    begins = _at(day, at, zone)
    return begins, begins + (timedelta(minutes=minutes) if minutes else _USUAL)


def _at(day: date, at: str, zone: ZoneInfo) -> datetime:
    """An instant (in UTC, as sums in a zone go by its wall) of a day by the clock on the wall; 24:00 is the end of it."""
    hours, minutes = map(int, at.split(":"))
    whole = day + timedelta(days=hours // 24)
    return datetime.combine(whole, time(hours % 24, minutes), zone).astimezone(UTC)


def _line(msgid: str, text: str | None, language: Language) -> str | None:
    return translate(msgid, language, {"text": text}) if text else None


def _together(parts: list[str | None]) -> str:
    return "\n".join(_present(parts))


def _present(parts: list[str | None]) -> Iterator[str]:
    return (part for part in parts if part)
