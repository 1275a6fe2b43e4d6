"""Having the owners told of a step of their subscription, in the transaction that takes it (T4, T10)."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from kedang_platform.database import ControlTransaction
from kedang_platform.licensing.subscriptions import Subscription
from kedang_platform.registry import find_company
from kedang_platform.work import NewJob, enqueue

TELL_LICENCE: Final = "people.tell_licence"
"""The job, in the company, that tells its owners; ``event`` and ``day`` name what."""

LicenceEvent = Literal["ending", "past_due", "warned", "restricted", "restored", "ended"]


async def tell_owners_later(
    control: ControlTransaction, held: Subscription, *, event: LicenceEvent, day: date
) -> None:
    """Ask for it once; ``day`` is the one that the text names, and tells one such step from the next."""
    company = await find_company(control, company_id=held.company_id)
    occasion = f"licence:{event}:{day.isoformat()}"
    payload = {"event": event, "day": day.isoformat()}
    await enqueue(control, NewJob(TELL_LICENCE, payload, key=occasion, company=company.ref))
