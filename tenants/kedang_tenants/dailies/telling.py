"""What members are told of daily reports: one came, something is urgent, what became of it, emergencies (F5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.i18n import msg
from kedang_tenants.changing.holding import Row
from kedang_tenants.dailies.models import RETURN_VISIT
from kedang_tenants.people.notices import DAILY_REPORT, EMERGENCY_REPORT
from kedang_tenants.people.telling import Telling

_SUBMITTED: Final = {
    False: msg("Daily report of {name}, {day}"),
    True: msg("Daily return-visit report of {name}, {day}"),
}
_NAME: Final = "SELECT name FROM member WHERE id = $1"
_CUSTOMER: Final = "SELECT name FROM customer WHERE id = $1"


async def submitted_letters(
    read: TenantRead, row: Row, *, recipients: Sequence[UUID], cards: int, urgent: int, clock: Clock
) -> list[Telling]:
    """That a report was submitted, for the first time or again, for whoever it goes to and who settles what is urgent."""
    again = f":{clock.now().timestamp():.0f}" if row["returned_at"] else ""
    params = {
        "name": str(await read.fetchval(_NAME, row["member_id"])),
        "day": row["day"].isoformat(),
        "cards": cards,
        "urgent": urgent,
    }
    return [
        Telling(
            kind=DAILY_REPORT,
            member_id=recipient,
            occasion=f"daily-report:{row['id'].hex}{again}",
            title=_SUBMITTED[row["kind"] == RETURN_VISIT],
            body=msg("Customers: {cards}. Urgent: {urgent}."),
            params=params,
            about=("daily_report", row["id"]),
        )
        for recipient in recipients
        if recipient != row["member_id"]
    ]


async def returned_letter(read: TenantRead, row: Row, *, by: UUID, why: str, clock: Clock) -> Telling:
    """That a report was returned and why, for whoever wrote it."""
    params = {
        "name": str(await read.fetchval(_NAME, by)),
        "day": row["day"].isoformat(),
        "why": why,
    }
    return Telling(
        kind=DAILY_REPORT,
        member_id=row["member_id"],
        occasion=f"daily-report-returned:{row['id'].hex}:{clock.now().timestamp():.0f}",
        title=msg("Daily report of {day} returned by {name}"),
        body="{why}",
        params=params,
        about=("daily_report", row["id"]),
    )


async def settled_letters(
    read: TenantRead, card: Row, how: str, readers: Sequence[UUID], clock: Clock
) -> list[Telling]:
    """How something urgent was settled, for whoever wrote of it and whom the report went to."""
    params = {"customer": await read.fetchval(_CUSTOMER, card["customer_id"]), "how": how}
    return [
        Telling(
            kind=DAILY_REPORT,
            member_id=reader,
            occasion=f"urgent-settled:{card['id'].hex}:{clock.now().timestamp():.0f}",
            title=msg("Urgent matter with {customer}: settled"),
            body="{how}",
            params=params,
            about=("daily_report_card", card["id"]),
        )
        for reader in readers
    ]


async def emergency_letters(
    read: TenantRead, report_id: UUID, values: Mapping[str, Any], heads: Sequence[UUID]
) -> list[Telling]:
    """An emergency report, for those who acknowledge it."""
    customer = values.get("customer_id")
    named = await read.fetchval(_CUSTOMER, customer) if customer else None
    params = {
        "text": {key: f"{name}\n{values['content']}" for key, name in values["kind_name"].items()},
        "name": str(await read.fetchval(_NAME, values["reporter_id"])),
        "subject": values["subject"] if named is None else f"{named}: {values['subject']}",
    }
    return [
        Telling(
            kind=EMERGENCY_REPORT,
            member_id=head,
            occasion=f"emergency:{report_id.hex}",
            title=msg("Emergency report of {name}: {subject}"),
            body="{text}",
            params=params,
            about=("emergency_report", report_id),
        )
        for head in heads
    ]


def acknowledged_letters(row: Row, instruction: str | None, readers: Sequence[UUID]) -> list[Telling]:
    """That an emergency report was acknowledged, and what is to be done, for whoever is concerned."""
    return [
        Telling(
            kind=EMERGENCY_REPORT,
            member_id=reader,
            occasion=f"emergency-acknowledged:{row['id'].hex}",
            title=msg("Emergency report acknowledged: {subject}"),
            body="{instruction}"
            if instruction and instruction.strip()
            else msg("Without further instructions."),
            params={"subject": row["subject"], "instruction": instruction or ""},
            about=("emergency_report", row["id"]),
        )
        for reader in readers
    ]
