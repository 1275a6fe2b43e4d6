"""The last question before a mail of a company leaves: perhaps hours after it was planned, or after an outage (T9, T10)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.database import TenantRead
from kedang_platform.mail import Mail, OfCompany
from kedang_platform.secrets import SecretKey
from kedang_tenants.correspondence.rule import rule_of
from kedang_tenants.correspondence.suppressing import suppressed_among
from kedang_tenants.customers.consenting import address_hash, may_contact
from kedang_tenants.customers.consents import EMAIL
from kedang_tenants.customers.unsubscribing import read_unsubscribe_link

_PLANNED: Final = "SELECT kind, time_zone FROM mail_sending WHERE key = $1"


async def instead_of_sending(
    read: TenantRead, secret: SecretKey, mail: Mail, whose: OfCompany, *, now: datetime
) -> Delivery | None:
    """What becomes of the mail instead: withheld, suppressed, or a wait until quiet hours end. None: it may leave."""
    if await suppressed_among(read, [address_hash(mail.recipient)]):
        return Delivery(Outcome.SUPPRESSED)
    if mail.unsubscribe and not await _wanted(read, secret, mail.unsubscribe):
        return Delivery(Outcome.WITHHELD)
    return await _quiet(read, whose, now=now)


async def _wanted(read: TenantRead, secret: SecretKey, link: str) -> bool:
    """A link that is not ours stops nothing."""
    known = read_unsubscribe_link(secret, link.rpartition("/")[2])
    if known is None:
        return True
    (refusal,) = await may_contact(read, channel=EMAIL, purpose=known.purpose, recipients=[known.recipient])
    return refusal is None


async def _quiet(read: TenantRead, whose: OfCompany, *, now: datetime) -> Delivery | None:
    """Only mails that were planned keep to quiet hours."""
    planned = await read.fetchrow(_PLANNED, whose.key)
    if planned is None:
        return None
    hours = (await rule_of(read)).quiet_for(planned["kind"])
    if hours is None:
        return None
    at = hours.earliest(now, ZoneInfo(planned["time_zone"] or whose.time_zone))
    return Delivery(Outcome.RETRY, "quiet hours", retry_after=at - now) if at > now else None
