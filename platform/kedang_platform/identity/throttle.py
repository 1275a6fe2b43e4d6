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
OPENID_ADDRESS = Limit("openid_address", 100, timedelta(minutes=15))
SIGN_UP_EMAIL = Limit("sign_up_email", 5, timedelta(hours=1))
INVITE_COMPANY = Limit("invite_company", 200, timedelta(days=1))
ORDER_COMPANY = Limit("order_company", 20, timedelta(days=1))


async def spend(control: ControlTransaction, *tries: tuple[Limit, str], now: datetime) -> None:
    """Count one try of each subject; raises ``TooManyAttempts`` when the window of one is used up.

    The count is taken before the work it guards, under the row's lock: tries sent side by side are
    counted one by one. Tries refused are not counted (the caller's transaction is undone), so waiting
    always helps. Callers name the limits in one order, so that they never wait for each other.
    """
    rows = [
        {"bucket": limit.bucket(subject), "spent": 1, "started_at": now, "ends_at": now + limit.window}
        for limit, subject in tries
    ]
    statement = insert(throttle).values(rows)
    given = statement.excluded
    over = throttle.c.ends_at <= now
    counted = statement.on_conflict_do_update(
        index_elements=[throttle.c.bucket],
        set_={
            "spent": case((over, 1), else_=throttle.c.spent + 1),
            "started_at": case((over, given.started_at), else_=throttle.c.started_at),
            "ends_at": case((over, given.ends_at), else_=throttle.c.ends_at),
        },
    ).returning(throttle.c.bucket, throttle.c.spent, throttle.c.ends_at)
    most = {limit.bucket(subject): limit.times for limit, subject in tries}
    ends = [row.ends_at for row in await control.execute(counted) if row.spent > most[row.bucket]]
    if ends:
        raise TooManyAttempts(minutes=max(1, math.ceil((max(ends) - now) / timedelta(minutes=1))))


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
