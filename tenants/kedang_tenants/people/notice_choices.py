"""How each member wants to be told of each kind of notice (T10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people import notices
from kedang_tenants.reading import Viewer

DEFAULT_CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        notices.FOLLOW_UPS_DUE: notices.EMAIL,
        notices.SEATS_CONFIRMED: notices.EMAIL,
        notices.SUBSCRIPTION: notices.EMAIL,
        notices.REQUEST_ASSIGNED: notices.EMAIL,
        notices.REQUEST_OVERDUE: notices.EMAIL,
        notices.REQUEST_ANSWERED_BY_CUSTOMER: notices.EMAIL,
        notices.UNHAPPY_ANSWER: notices.EMAIL,
        notices.REPORT_READY: notices.EMAIL,
        notices.REPORT_FAILED: notices.EMAIL,
        notices.WEBHOOK_DISABLED: notices.EMAIL,
        notices.APPROVAL_WAITING: notices.EMAIL,
        notices.APPROVAL_DECIDED: notices.EMAIL,
        notices.HANDOVER: notices.EMAIL,
        notices.OVERDUE_ESCALATED: notices.EMAIL,
        notices.CALENDAR_MISSING: notices.EMAIL,
        notices.MAIL_UNDELIVERABLE: notices.DIGEST,
        notices.MINUTES_WAITING: notices.EMAIL,
        notices.MEETING: notices.EMAIL,
        notices.GRADE_CHANGED: notices.DIGEST,
        notices.GRADE_ENDING: notices.EMAIL,
        notices.POOL: notices.DIGEST,
        notices.HOT_CUSTOMER: notices.DIGEST,
        notices.DAILY_REPORT: notices.EMAIL,
        notices.EMERGENCY_REPORT: notices.EMAIL,
        notices.WATCH_LIST: notices.EMAIL,
        notices.MINUTES_ANSWERED: notices.EMAIL,
    }
)
"""What holds for whoever has chosen nothing. All of these wait for the member, or answer what they asked for."""

_CHOSEN = """
SELECT member_id, kind, channel, webhook FROM notice_preference
WHERE member_id = ANY($1::uuid[]) AND kind = ANY($2::text[]) AND archived_at IS NULL
"""

# So that two clicks do not clash on the unique index.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('notice choices'), hashtext($1))"


@dataclass(frozen=True, slots=True)
class Choice:
    """The channel that holds for a kind, whether webhooks are told as well, and whether the member chose this."""

    kind: str
    channel: str
    webhook: bool
    chosen: bool


async def channels_of(
    read: TenantRead, *, members: Iterable[UUID], kinds: Iterable[str]
) -> Mapping[tuple[UUID, str], str]:
    """What members have chosen, by member and kind; who has chosen nothing is not in it."""
    rows = await read.fetch(_CHOSEN, list(members), list(kinds))
    return {(row["member_id"], row["kind"]): row["channel"] for row in rows}


async def choices_of(read: TenantRead, viewer: Viewer) -> list[Choice]:
    """The viewer's own choices for every kind, the defaults filled in. Raises ``Forbidden`` for nobody's key."""
    member = own_member(viewer)
    chosen = {row["kind"]: row for row in await read.fetch(_CHOSEN, [member], list(DEFAULT_CHANNELS))}
    return [
        Choice(kind, chosen[kind]["channel"], chosen[kind]["webhook"], chosen=True)
        if kind in chosen
        else Choice(kind, default, webhook=True, chosen=False)
        for kind, default in DEFAULT_CHANNELS.items()
    ]


async def choose(
    write: TenantWrite,
    viewer: Viewer,
    *,
    kind: str,
    channel: str | None = None,
    webhook: bool | None = None,
    clock: Clock,
) -> UUID:
    """Note how the viewer wants to be told of ``kind`` from now on; returns the id of the choice.

    ``webhook`` is whether their webhooks are told as well; what is None stays as it is. Notices that wait for the mail of the day already go with it all the same. Raises ``Forbidden``.
    """
    member = own_member(viewer)
    await write.fetch(_ONE_AT_A_TIME, f"{member}:{kind}")
    found: UUID | None = await write.fetchval(
        "SELECT id FROM notice_preference WHERE member_id = $1 AND kind = $2 AND archived_at IS NULL",
        member,
        kind,
    )
    said = {"channel": channel, "webhook": webhook}
    values: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    if found is None:
        values = {"member_id": member, "kind": kind, "channel": DEFAULT_CHANNELS[kind], **values}
        change = Change("notice_preference", "create", values=values)
    else:
        change = Change("notice_preference", "update", found, values=values)
    (done,) = await change_internally(write, viewer, [change], clock=clock)
    return done.id


def own_member(viewer: Viewer) -> UUID:
    """Whose inbox the viewer has; raises ``Forbidden`` for whoever is nobody, as the product itself."""
    if viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))
    return viewer.member_id
