"""Sharing customers of the public pool out among members, by turn or by percent (A13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import floor
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.pool.claiming import ensure_may_claim
from kedang_tenants.pool.models import SHARED_OUT
from kedang_tenants.pool.moving import Move, take_out
from kedang_tenants.pool.renewing import store
from kedang_tenants.pool.rule import pool_rule
from kedang_tenants.reading import Scope, Viewer

MOST: Final = 1_000
"""Customers that are shared out at once, and members among whom."""
_WHOLE: Final = 100

_NAMED: Final = """
SELECT id, restricted FROM customer
WHERE id = ANY($1::uuid[]) AND pool_since IS NOT NULL AND owner_id IS NULL AND archived_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""
# Those that somebody else shares out or claims at this moment are passed over.
_LONGEST: Final = """
SELECT id, restricted FROM customer
WHERE pool_since IS NOT NULL AND owner_id IS NULL AND archived_at IS NULL AND (NOT restricted OR $2)
ORDER BY pool_since, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""
_ABLE: Final = """
SELECT id FROM member WHERE id = ANY($1::uuid[]) AND state = 'ACTIVE' AND seat = 'FULL' AND archived_at IS NULL
"""
_LOST: Final = """
SELECT customer_id, member_id FROM pool_move
WHERE customer_id = ANY($1::uuid[]) AND member_id = ANY($2::uuid[]) AND kind IN ('RECYCLED', 'RELEASED')
  AND moved_on > $3
"""


class SharesNotWhole(BadUserInput):
    """Percents are said for all members or for none, each above 0, and add up to 100."""


class NothingToShareOut(BadUserInput):
    """Customers are named, or it is said how many of the pool are to be shared out; not both, and not too many."""


class WrongMembers(BadUserInput):
    """Members are named once each, and at least one."""


@dataclass(frozen=True, slots=True)
class Share:
    """A member and their percent; None where it goes by turn."""

    member_id: UUID
    percent: int | None = None


def shares_of(number: int, weights: Sequence[int]) -> list[int]:
    """How many of so many things each gets by weights, which are positive: by largest remainder, ties to the first."""
    whole = sum(weights)
    exact = [Fraction(number * weight, whole) for weight in weights]
    parts = [floor(one) for one in exact]
    by_rest = sorted(range(len(weights)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_rest[: number - sum(parts)]:
        parts[place] += 1
    return parts


def share_out(
    customers: Sequence[UUID],
    shares: Sequence[Share],
    *,
    barred: Collection[tuple[UUID, UUID]] = (),
) -> dict[UUID, UUID]:
    """Who gets which customer: each in turn to whoever is furthest from their share, ties to the first named.

    Nobody gets a customer that they are barred from (customer, member); one that all are barred from is left out.
    """
    parts = shares_of(len(customers), [share.percent or 1 for share in shares])
    given: Counter[UUID] = Counter()
    found: dict[UUID, UUID] = {}
    for customer in customers:
        able = [
            (part - given[share.member_id], -place, share.member_id)
            for place, (share, part) in enumerate(zip(shares, parts, strict=True))
            if (customer, share.member_id) not in barred
        ]
        if able:
            found[customer] = max(able)[2]
            given[found[customer]] += 1
    return found


async def share_out_customers(
    write: TenantWrite,
    viewer: Viewer,
    *,
    shares: Sequence[Share],
    customer_ids: Sequence[UUID] | None = None,
    number: int | None = None,
    clock: Clock,
) -> Mapping[UUID, UUID]:
    """Give customers of the pool to members, those named or the ones that were in it longest; who got which.

    Nobody gets back what they lost less than the rule's pause ago; what nobody may have stays in the pool. For
    whoever may change the customers of others, to members in their reach; limits on claims do not hold. Raises
    Forbidden, SharesNotWhole, NothingToShareOut, WrongMembers, and Refused for customers that are not in the pool or
    members that cannot have any.
    """
    ensure_may_claim(viewer)
    if viewer.on("customer").update <= Scope.OWN:
        raise Forbidden(msg("You may not do this."))
    _ensure_shares(shares)
    await _ensure_members(write, viewer, shares)
    ids = await _customers(write, viewer, customer_ids, number)
    rule, members = await pool_rule(write), [share.member_id for share in shares]
    since = viewer.today(clock) - timedelta(days=rule.pause_days or 0)
    lost = await write.fetch(_LOST, ids, members, since)
    found = share_out(ids, shares, barred={(row["customer_id"], row["member_id"]) for row in lost})
    moves = [Move(customer, member) for customer, member in found.items()]
    await take_out(write, viewer, moves, kind=SHARED_OUT, clock=clock)
    await store(write, viewer, rule, sorted(found), clock=clock)
    return found


def _ensure_shares(shares: Sequence[Share]) -> None:
    if not 1 <= len({share.member_id for share in shares}) == len(shares) <= MOST:
        raise WrongMembers(msg("Name at least one member, and each of them once."), path=("input", "members"))
    percents = [share.percent for share in shares if share.percent is not None]
    if percents and (len(percents) < len(shares) or min(percents) <= 0 or sum(percents) != _WHOLE):
        message = msg("Percents are said for all members or for none, and add up to 100.")
        raise SharesNotWhole(message, path=("input", "members"))


async def _ensure_members(write: TenantWrite, viewer: Viewer, shares: Sequence[Share]) -> None:
    rows = await write.fetch(_ABLE, [share.member_id for share in shares])
    able = {row["id"] for row in rows}
    scope = viewer.on("customer").update
    errors = [
        UserError("NOT_FOUND", msg("There is no such record."), ("input", "members", place, "memberId"))
        for place, share in enumerate(shares)
        if share.member_id not in able or not viewer.reaches(scope, share.member_id)
    ]
    if errors:
        raise Refused(errors)


async def _customers(
    write: TenantWrite, viewer: Viewer, named: Sequence[UUID] | None, number: int | None
) -> list[UUID]:
    if (named is None) == (number is None) or not 1 <= (number or len(set(named or ()))) <= MOST:
        message = msg("Name customers, or say how many: 1 to {limit}.")
        raise NothingToShareOut(message, path=("input",), limit=MOST)
    if named is None:
        return [row["id"] for row in await write.fetch(_LONGEST, number, not viewer.closed)]
    rows = await write.fetch(_NAMED, list(named))
    there = {
        row["id"]
        for row in rows
        if not (row["restricted"] and viewer.closed and row["id"] not in viewer.opened)
    }
    message = msg("There is no such customer in the public pool.")
    errors = [
        UserError(NotFound.code, message, ("input", "customerIds", place))
        for place, customer in enumerate(named)
        if customer not in there
    ]
    if errors:
        raise Refused(errors)
    return list(dict.fromkeys(named))
