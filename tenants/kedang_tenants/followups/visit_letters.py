"""What is told of visit forms: to whoever decides on one, and to whoever keeps attendance (F2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kedang_platform.database import TenantRead
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing.holding import Row
from kedang_tenants.people.notices import MEETING
from kedang_tenants.people.telling import Telling

_KEEPERS: Final = (
    "SELECT id FROM member WHERE keeps_attendance AND state = 'ACTIVE' AND archived_at IS NULL ORDER BY id"
)
_NAME: Final = "SELECT name FROM member WHERE id = $1"
OUT: Final = (
    msg("{name} is out with customers on {day}"),
    msg("Leaves at {leaves}, returns at {returns}; visits: {visits}. The visit form was approved."),
)
NOT_OUT: Final = (
    msg("{name} is not out with customers on {day}"),
    msg("The visit form that was approved has been called off: {reason}"),
)


async def summary_of(read: TenantRead, row: Row) -> Mapping[str, str]:
    """A form in a few words, in our languages. It names no customers: whoever decides may not know of each."""
    said = msg("Visits of {name} on {day}: {visits}")
    params = {
        "name": await _name(read, row),
        "day": row["visit_on"].isoformat(),
        "visits": row["planned_visits"],
    }
    return translated(said, params)


async def attendance_letters(
    read: TenantRead, row: Row, words: tuple[str, str], *, reason: str = ""
) -> list[Telling]:
    """Who is out when, or is not after all, for everybody who keeps attendance."""
    title, body = words
    params: dict[str, object] = {
        "name": await _name(read, row),
        "day": row["visit_on"].isoformat(),
        "leaves": row["leaves_at"] or "–",
        "returns": row["returns_at"] or "–",
        "visits": row["planned_visits"],
        "reason": reason,
    }
    return [
        Telling(
            kind=MEETING,
            member_id=keeper["id"],
            occasion=f"visits:{row['id'].hex}:{'out' if words == OUT else 'not-out'}:{row['version']}",
            title=title,
            body=body,
            params=params,
            about=("visit_form", row["id"]),
        )
        for keeper in await read.fetch(_KEEPERS)
    ]


async def _name(read: TenantRead, row: Row) -> str:
    return str(await read.fetchval(_NAME, row["member_id"]) or "")
