"""The last question before a mail of a company leaves: perhaps hours after it was planned, or after an outage (T9, T10)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.database import TenantRead
from kedang_platform.mail import Instead, Mail, OfCompany
from kedang_platform.secrets import SecretKey
from kedang_tenants.correspondence.rule import rule_of
from kedang_tenants.customers.consenting import address_hash, may_contact
from kedang_tenants.customers.consents import EMAIL
from kedang_tenants.customers.unsubscribing import read_unsubscribe_link

# One statement for all that each mail is asked: ten thousand leave in a minute.
_ASKED: Final = """
SELECT EXISTS (SELECT FROM mail_suppression s WHERE s.address_hash = $1 AND s.archived_at IS NULL) AS suppressed,
       planned.kind, planned.time_zone
FROM (SELECT) one LEFT JOIN mail_sending planned ON planned.key = $2
"""


async def instead_of_sending(
    read: TenantRead, secret: SecretKey, mail: Mail, whose: OfCompany, *, now: datetime
) -> Instead | None:
    """What becomes of the mail instead: withheld, suppressed, or a wait until quiet hours end. None: it may leave."""
    asked = await read.fetchrow(_ASKED, address_hash(mail.recipient), whose.key)
    if asked is None or asked["suppressed"]:
        return Delivery(Outcome.SUPPRESSED)
    if mail.unsubscribe and not await _wanted(read, secret, mail.unsubscribe):
        return Delivery(Outcome.WITHHELD)
    if asked["kind"] is None:  # only mails that were planned keep to quiet hours
        return None
    zone = ZoneInfo(asked["time_zone"] or whose.time_zone)
    return await _loud(read, asked["kind"], zone, now=now)


async def _wanted(read: TenantRead, secret: SecretKey, link: str) -> bool:
    """A link that is not ours stops nothing."""
    known = read_unsubscribe_link(secret, link.rpartition("/")[2])
    if known is None:
        return True
    (refusal,) = await may_contact(read, channel=EMAIL, purpose=known.purpose, recipients=[known.recipient])
    return refusal is None


async def _loud(read: TenantRead, kind: str, zone: ZoneInfo, *, now: datetime) -> datetime | None:
    """When the quiet hours end that hold now; None where none do."""
    hours = (await rule_of(read)).quiet_for(kind)
    at = hours.earliest(now, zone) if hours else now
    return at if at > now else None
