"""What members are told of a meeting: its agenda, minutes that wait, came back, or are out (F4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.database import TenantRead
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.changing.holding import Row
from kedang_tenants.people.notices import MEETING, MINUTES_WAITING
from kedang_tenants.people.telling import Telling
from kedang_tenants.reading import Viewer

_ATTENDING: Final = """
SELECT DISTINCT member_id FROM meeting_attendee
WHERE meeting_id = $1 AND member_id IS NOT NULL AND archived_at IS NULL AND attended IS DISTINCT FROM false
ORDER BY member_id
"""
_ACTIONS: Final = """
SELECT a.task, a.due_on, m.name FROM meeting_action a JOIN member m ON m.id = a.owner_id
WHERE a.meeting_id = $1 AND a.archived_at IS NULL ORDER BY a.due_on, a.id
"""
_PARTS: Final = (
    ("aim", msg("Aim: {text}")),
    ("agenda", msg("Agenda: {text}")),
    ("information_needed", msg("Information needed: {text}")),
)
_ACTION: Final = msg("{name} until {day}: {task}")


async def agenda_letters(read: TenantRead, viewer: Viewer, row: Row) -> list[Telling]:
    """The agenda, for every member who is to attend but whoever sends it; told anew only where it has changed."""
    begins = row["starts_at"].astimezone(ZoneInfo(viewer.time_zone))

    def text(language: Language) -> str:
        where = [row["place"]] if row["place"] else []
        parts = [translate(msgid, language, {"text": row[name]}) for name, msgid in _PARTS if row[name]]
        return "\n".join([begins.strftime("%Y-%m-%d %H:%M"), *where, *parts])

    told = in_our_languages(text)
    content = sha256("\n".join([row["subject"], *told.values()]).encode()).hexdigest()[:32]
    return await _to_attendees(
        read,
        viewer,
        row,
        f"agenda:{row['id'].hex}:{content}",
        msg("Meeting with {customer}: {subject}"),
        told,
    )


async def minutes_letters(read: TenantRead, viewer: Viewer, row: Row) -> list[Telling]:
    """Reviewed minutes, for every member who attended."""
    actions = await read.fetch(_ACTIONS, row["id"])

    def text(language: Language) -> str:
        decided = [translate(msg("Decisions: {text}"), language, {"text": row["decisions"]})]
        return "\n".join(
            [
                row["minutes"],
                *(decided if row["decisions"] else []),
                *(_action(one, language) for one in actions),
            ]
        )

    return await _to_attendees(
        read,
        viewer,
        row,
        f"minutes:{row['id'].hex}:{row['version']}",
        msg("Minutes of the meeting with {customer}: {subject}"),
        in_our_languages(text),
    )


def _action(row: asyncpg.Record, language: Language) -> str:
    params = {"name": row["name"], "day": row["due_on"].isoformat(), "task": row["task"]}
    return translate(_ACTION, language, params)


async def _to_attendees(
    read: TenantRead, viewer: Viewer, row: Row, occasion: str, title: str, text: dict[str, str]
) -> list[Telling]:
    customer = await _customer(read, row)
    attending = [found["member_id"] for found in await read.fetch(_ATTENDING, row["id"])]
    return [
        Telling(
            kind=MEETING,
            member_id=member,
            occasion=occasion,
            title=title,
            body="{text}",
            params={"customer": customer, "subject": row["subject"], "text": text},
            details={
                "customer": customer,
                "subject": row["subject"],
                "startsAt": row["starts_at"].isoformat(),
            },
            about=("meeting", row["id"]),
        )
        for member in attending
        if member != viewer.member_id
    ]


async def waiting_letters(
    read: TenantRead, row: Row, reviewers: Sequence[UUID], now: datetime
) -> list[Telling]:
    """That minutes wait, for whoever is to review them."""
    params = {"customer": await _customer(read, row), "subject": row["subject"]}
    return [
        Telling(
            kind=MINUTES_WAITING,
            member_id=reviewer,
            occasion=f"minutes-waiting:{row['id'].hex}:{now.timestamp():.0f}",
            title=msg("Minutes of the meeting with {customer} wait for your review"),
            body=msg("{subject}: accept the minutes, or return them with a remark."),
            params=params,
            about=("meeting", row["id"]),
        )
        for reviewer in reviewers
    ]


async def returned_letter(read: TenantRead, row: Row, remark: str, now: datetime) -> list[Telling]:
    """That minutes came back, for whoever wrote them."""
    if row["minutes_by_id"] is None:
        return []
    return [
        Telling(
            kind=MEETING,
            member_id=row["minutes_by_id"],
            occasion=f"minutes-returned:{row['id'].hex}:{now.timestamp():.0f}",
            title=msg("Your minutes of the meeting with {customer} came back"),
            body=msg("{subject}: {remark}"),
            params={"customer": await _customer(read, row), "subject": row["subject"], "remark": remark},
            about=("meeting", row["id"]),
        )
    ]


async def _customer(read: TenantRead, row: Row) -> str:
    return str(await read.fetchval("SELECT name FROM customer WHERE id = $1", row["customer_id"]))
