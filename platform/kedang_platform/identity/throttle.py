"""Limits against guessing and flooding, counted in the database so that every process shares them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, update

from kedang_platform.database import ControlTransaction
from kedang_platform.identity.browsers import network_of
from kedang_platform.identity.errors import TooManyAttempts
from kedang_platform.identity.tables import throttle


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``times`` in each ``window``, which starts with the first of them."""

    name: str
    times: int
    window: timedelta
    by_network: bool = False
    """Whether subjects are addresses, of which one of IPv6 stands for its whole /64."""

    def bucket(self, subject: str) -> str:
        """What is counted under; the subject (an address, an e-mail) cannot be read back from it."""
        subject = network_of(subject) if self.by_network else subject
        return f"{self.name}:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"


# Guesses at a password. A browser that its person signed in from before has a bucket of its own and counts in
# no other, so whoever hammers an account cannot keep its owner out (ADR 22).
SIGN_IN_ADDRESS = Limit("sign_in_address", 50, timedelta(minutes=15), by_network=True)
SIGN_IN_PAIR = Limit("sign_in_pair", 10, timedelta(minutes=15))
SIGN_IN_ACCOUNT = Limit("sign_in_account", 25, timedelta(minutes=15))
SIGN_IN_DEVICE = Limit("sign_in_device", 10, timedelta(minutes=15))
# Guesses at a one-time code by who knows the password, at other browsers and at one that is known.
CODE_ACCOUNT = Limit("code_account", 5, timedelta(minutes=15))
CODE_DEVICE = Limit("code_device", 5, timedelta(minutes=15))
# Guesses by who holds a session.
PROVE_SESSION = Limit("prove_session", 10, timedelta(minutes=15))
EMAIL_CHANGE = Limit("email_change", 5, timedelta(hours=1))
RESET_ACCOUNT = Limit("reset_account", 3, timedelta(hours=1))
RESET_ADDRESS = Limit("reset_address", 20, timedelta(hours=1), by_network=True)
OPENID_ADDRESS = Limit("openid_address", 100, timedelta(minutes=15))
SIGN_UP_EMAIL = Limit("sign_up_email", 5, timedelta(hours=1))
INVITE_COMPANY = Limit("invite_company", 200, timedelta(days=1))
ORDER_COMPANY = Limit("order_company", 20, timedelta(days=1))


# Written out: everybody who guesses, signs up or invites passes here, and many of a company at once wait for one row.
_SPEND = """
INSERT INTO platform.throttle AS known (bucket, spent, started_at, ends_at)
SELECT given.bucket, 1, $3, given.ends_at FROM unnest($1::text[], $2::timestamptz[]) AS given (bucket, ends_at)
ON CONFLICT (bucket) DO UPDATE SET
    spent = CASE WHEN known.ends_at <= $3 THEN 1 ELSE known.spent + 1 END,
    started_at = CASE WHEN known.ends_at <= $3 THEN excluded.started_at ELSE known.started_at END,
    ends_at = CASE WHEN known.ends_at <= $3 THEN excluded.ends_at ELSE known.ends_at END
RETURNING bucket, spent, ends_at
"""


async def spend(control: ControlTransaction, *tries: tuple[Limit, str], now: datetime) -> None:
    """Count one try of each subject; raises ``TooManyAttempts`` when the window of one is used up.

    The count is taken before the work it guards, under the row's lock: tries sent side by side are
    counted one by one. Tries refused are not counted (the caller's transaction is undone), so waiting
    always helps. Callers name the limits in one order, so that they never wait for each other.
    """
    most = {limit.bucket(subject): limit.times for limit, subject in tries}
    rows = await control.fetch(_SPEND, list(most), [now + limit.window for limit, _ in tries], now)
    ends = [row["ends_at"] for row in rows if row["spent"] > most[row["bucket"]]]
    if ends:
        raise TooManyAttempts(minutes=max(1, math.ceil((max(ends) - now) / timedelta(minutes=1))))


async def refund(control: ControlTransaction, limit: Limit, subject: str, *, tries: int = 1) -> None:
    """Give tries back: they turned out to be rightful ones."""
    await control.execute(
        update(throttle)
        .where(throttle.c.bucket == limit.bucket(subject))
        .values(spent=func.greatest(throttle.c.spent - tries, 0))
    )


async def forgive(control: ControlTransaction, limit: Limit, subject: str) -> int:
    """Forget all tries of ``subject``; how many they were."""
    gone = delete(throttle).where(throttle.c.bucket == limit.bucket(subject)).returning(throttle.c.spent)
    return (await control.execute(gone)).scalar_one_or_none() or 0


async def carry(control: ControlTransaction, limit: Limit, subject: str, *, to: str) -> None:
    """Count the tries of ``subject`` for another one from now on, which has none yet."""
    await control.execute(
        update(throttle).where(throttle.c.bucket == limit.bucket(subject)).values(bucket=limit.bucket(to))
    )


async def forget_old_throttles(control: ControlTransaction, *, now: datetime) -> None:
    """Remove the counts of windows that are over."""
    await control.execute(delete(throttle).where(throttle.c.ends_at <= now))
