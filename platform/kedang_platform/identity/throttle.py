"""Limits against guessing and flooding, counted in the database so that every process shares them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert

from kedang_platform.database import ControlTransaction
from kedang_platform.identity.errors import TooManyAttempts
from kedang_platform.identity.tables import throttle


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``times`` in each ``window``, which starts with the first of them."""

    name: str
    times: int
    window: timedelta

    def bucket(self, subject: str) -> str:
        """What is counted under; the subject (an address, an e-mail) cannot be read back from it."""
        return f"{self.name}:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"


SIGN_IN_ACCOUNT = Limit("sign_in_account", 10, timedelta(minutes=15))
SIGN_IN_ADDRESS = Limit("sign_in_address", 50, timedelta(minutes=15))
RESET_ACCOUNT = Limit("reset_account", 3, timedelta(hours=1))
RESET_ADDRESS = Limit("reset_address", 20, timedelta(hours=1))
SIGN_UP_EMAIL = Limit("sign_up_email", 5, timedelta(hours=1))
INVITE_COMPANY = Limit("invite_company", 200, timedelta(days=1))


async def spend(control: ControlTransaction, limit: Limit, subject: str, *, now: datetime) -> None:
    """Count one try of ``subject``; raises ``TooManyAttempts`` when its window is used up.

    The count is taken before the work it guards, under the row's lock: tries sent side by side are
    counted one by one. Tries refused are not counted, so waiting always helps.
    """
    fresh = throttle.c.ends_at <= now
    statement = (
        insert(throttle)
        .values(bucket=limit.bucket(subject), spent=1, started_at=now, ends_at=now + limit.window)
        .on_conflict_do_update(
            index_elements=[throttle.c.bucket],
            set_={
                "spent": case((fresh, 1), else_=throttle.c.spent + 1),
                "started_at": case((fresh, now), else_=throttle.c.started_at),
                "ends_at": case((fresh, now + limit.window), else_=throttle.c.ends_at),
            },
        )
        .returning(throttle.c.spent, throttle.c.ends_at)
    )
    row = (await control.execute(statement)).one()
    if row.spent > limit.times:
        raise TooManyAttempts(minutes=max(1, math.ceil((row.ends_at - now) / timedelta(minutes=1))))


async def refund(control: ControlTransaction, limit: Limit, subject: str) -> None:
    """Give one try back: it turned out to be a rightful one."""
    await control.execute(
        update(throttle)
        .where(throttle.c.bucket == limit.bucket(subject), throttle.c.spent > 0)
        .values(spent=throttle.c.spent - 1)
    )


async def forgive(control: ControlTransaction, limit: Limit, subject: str) -> None:
    """Forget all tries of ``subject``."""
    await control.execute(delete(throttle).where(throttle.c.bucket == limit.bucket(subject)))


async def forget_old_throttles(control: ControlTransaction, *, now: datetime) -> None:
    """Remove the counts of windows that are over."""
    await control.execute(delete(throttle).where(throttle.c.ends_at <= now))
