"""What the owners are told of the life of their subscription (T4, T10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.licensing.plans import newest_plan
from kedang_platform.licensing.proration import prorated
from kedang_platform.licensing.subscriptions import Subscription
from kedang_platform.licensing.telling import LicenceEvent
from kedang_platform.money import to_amount
from kedang_tenants.people.notices import SUBSCRIPTION
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

_TEXTS: Final[dict[LicenceEvent, tuple[str, str]]] = {
    "ending": (
        msg("Your paid seats are renewed on {day}"),
        msg(
            "On {day} the next period begins. Paid seats: {seats}, price without tax: {amount} {currency}."
            " Until then you can remove seats, or pay by month or year."
        ),
    ),
    "past_due": (
        msg("An invoice for your seats is overdue"),
        msg(
            "Everybody can go on working until {day}. After that only {free} members keep a full seat, and the"
            " others can read and export. You can choose who keeps a seat."
        ),
    ),
    "warned": (
        msg("From {day} on only {free} members have a full seat"),
        msg(
            "An invoice for your seats has not been paid yet. From {day} on the members without a seat can sign in,"
            " read and export. You can choose who keeps a seat."
        ),
    ),
    "restricted": (
        msg("Only {free} members have a full seat now"),
        msg(
            "The others can sign in, read and export; nothing was deleted. With the payment everybody has the seat"
            " back at once. Without it the paid seats end on {day}."
        ),
    ),
    "restored": (
        msg("All your seats are back"),
        msg("The payment has arrived. Paid seats: {seats}; everybody who had lost a seat has it again."),
    ),
    "ended": (
        msg("Your paid seats have ended"),
        msg(
            "Free seats: {free}; they stay for ever. Whoever has no seat can sign in, read and export; nothing was"
            " deleted. You can buy seats again at any time."
        ),
    ),
}
_NO_RENEWAL: Final = (
    msg("Your paid seats end on {day}"),
    msg("They are not renewed, as you wished. Free seats: {free}; they stay for ever."),
)
_OWNERS: Final = """
SELECT id FROM member
WHERE 'OWNER' = ANY(roles) AND state = 'ACTIVE' AND archived_at IS NULL ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class LicenceNews:
    """A step to be told: ``day`` is the one that the text names."""

    event: LicenceEvent
    day: date
    params: dict[str, object]
    renewed: bool = True


async def news_of(read: ControlRead, held: Subscription, *, event: LicenceEvent, day: date) -> LicenceNews:
    """The step with the numbers that its text tells."""
    params: dict[str, object] = {
        "day": day.isoformat(),
        "free": held.free_seats,
        "seats": held.seats_next if event == "ending" else held.paid_seats,
    }
    plan = await newest_plan(read)
    if event == "ending" and held.period is not None and plan is not None:
        price = plan.price(currency=held.period.currency)
        unit = price.per(held.interval_at_renewal or held.period.interval)
        amount = prorated(seats=held.seats_next, unit_price=unit, share=Fraction(1))
        params |= {
            "amount": str(to_amount(minor=amount, currency=price.currency)),
            "currency": price.currency,
        }
    return LicenceNews(event, day, params, renewed=event != "ending" or held.seats_next > 0)


async def tell_licence(write: TenantWrite, viewer: Viewer, *, news: LicenceNews, clock: Clock) -> int:
    """Tell each owner, once, in their language; returns how many were told now."""
    owners = [row["id"] for row in await write.fetch(_OWNERS)]
    return await tell(write, viewer, [_telling(news, owner) for owner in owners], clock=clock)


def _telling(news: LicenceNews, owner: UUID) -> Telling:
    title, body = _TEXTS[news.event] if news.renewed else _NO_RENEWAL
    occasion = f"licence:{news.event}:{news.day.isoformat()}"
    return Telling(SUBSCRIPTION, owner, occasion, title, body, news.params)
