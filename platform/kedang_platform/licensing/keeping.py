"""Who keeps a seat when there are fewer, and who gets theirs back when there are more again (T4).

The owner's choice comes first, in its order; then owners; then members before invitations, the earliest
first. Everything here is done under the lock of the subscription and told to the company's row by a job.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import ControlTransaction
from kedang_platform.licensing.history import SYSTEM, By, Reason, note
from kedang_platform.work import NewJob, enqueue

FOLLOW_JOB: Final = "people.follow_membership"
"""The job that brings a member's row in the company's schema to what stands here."""

_CANDIDATES = """
SELECT member_id, state, seat FROM platform.membership
WHERE company_id = $1 AND state IN ('invited', 'active') AND (seat = 'full' OR seat_lost_at IS NOT NULL)
ORDER BY keep_rank NULLS LAST, member_id = ANY($2::uuid[]) DESC, state = 'active' DESC, created_at, member_id
FOR UPDATE
"""
_TAKE = """
UPDATE platform.membership SET seat = 'none', seat_lost_at = $3 WHERE company_id = $1 AND member_id = $2
"""
_GIVE = """
UPDATE platform.membership SET seat = 'full', seat_lost_at = NULL WHERE company_id = $1 AND member_id = $2
"""
_UNRANK = "UPDATE platform.membership SET keep_rank = NULL WHERE company_id = $1 AND keep_rank IS NOT NULL"
_RANK = """
UPDATE platform.membership m SET keep_rank = chosen.place
FROM unnest($2::uuid[]) WITH ORDINALITY AS chosen (member_id, place)
WHERE m.company_id = $1 AND m.member_id = chosen.member_id
"""
_EXPIRED = """
SELECT member_id FROM platform.membership WHERE company_id = $1 AND state = 'invited' AND reserved_until <= $2
ORDER BY member_id FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member or an invited person who holds a seat, or waits for the one they lost."""

    member_id: UUID
    active: bool
    holds: bool


async def candidates(
    control: ControlTransaction, *, company_id: UUID, owners: Collection[UUID] = ()
) -> list[Candidate]:
    """Who holds a seat or waits for one, in the order in which they keep or get it."""
    rows = await control.fetch(_CANDIDATES, company_id, list(owners))
    return [Candidate(row["member_id"], row["state"] == "active", row["seat"] == "full") for row in rows]


async def release_surplus(
    control: ControlTransaction,
    *,
    company_id: UUID,
    capacity: int,
    owners: Collection[UUID],
    reason: Reason,
    waiting: bool,
    now: datetime,
) -> list[UUID]:
    """Take the seats that there are no longer, and return whose.

    With ``waiting`` they get them back with the payment; without it (the company asked for fewer) it takes
    a promotion.
    """
    holders = [one for one in await candidates(control, company_id=company_id, owners=owners) if one.holds]
    holders = _owner_among_first(holders, owners=owners, kept=capacity)
    surplus = [one.member_id for one in holders[capacity:]]
    for member_id in surplus:
        await control.fetch(_TAKE, company_id, member_id, now if waiting else None)
        await note(
            control, company_id=company_id, event="released", reason=reason, member_id=member_id, now=now
        )
    await _follow(control, company_id, surplus)
    return surplus


def _owner_among_first(
    holders: Sequence[Candidate], *, owners: Collection[UUID], kept: int
) -> list[Candidate]:
    """The holders with an owner among those who keep theirs: whoever was chosen as one may be none any more."""
    owning = [one for one in holders if one.active and one.member_id in owners]
    if not owning or owning[0] in holders[:kept]:
        return list(holders)
    return [owning[0], *(one for one in holders if one != owning[0])]


async def give_back(
    control: ControlTransaction,
    *,
    company_id: UUID,
    capacity: int,
    reason: Reason,
    now: datetime,
    owners: Collection[UUID] = (),
) -> list[UUID]:
    """Give those who lost a seat theirs again, as far as there are any left; returns who got one."""
    known = await candidates(control, company_id=company_id, owners=owners)
    left = capacity - sum(one.holds for one in known)
    lucky = [one.member_id for one in known if not one.holds][: max(left, 0)]
    for member_id in lucky:
        await control.fetch(_GIVE, company_id, member_id)
        await note(
            control, company_id=company_id, event="given_back", reason=reason, member_id=member_id, now=now
        )
    await _follow(control, company_id, lucky)
    return lucky


async def choose_keepers(
    control: ControlTransaction,
    *,
    company_id: UUID,
    chosen: Sequence[UUID],
    capacity: int,
    owners: Collection[UUID],
    by: By,
    now: datetime,
) -> list[UUID]:
    """Note the owner's choice, and follow it at once where somebody waits for a seat; returns whose changed."""
    await control.fetch(_UNRANK, company_id)
    await control.fetch(_RANK, company_id, list(chosen))
    await note(
        control,
        company_id=company_id,
        event="keepers_chosen",
        reason="choice",
        seats=len(chosen),
        by=by,
        now=now,
    )
    known = await candidates(control, company_id=company_id, owners=owners)
    if all(one.holds for one in known):
        return []
    changed = []
    for place, one in enumerate(known):
        keeps = place < capacity
        if keeps == one.holds:
            continue
        changed.append(one.member_id)
        await control.fetch(_GIVE, company_id, one.member_id) if keeps else await control.fetch(
            _TAKE, company_id, one.member_id, now
        )
        await note(
            control,
            company_id=company_id,
            event="given_back" if keeps else "released",
            reason="choice",
            member_id=one.member_id,
            by=by,
            now=now,
        )
    await _follow(control, company_id, changed)
    return changed


async def expired_reservations(control: ControlTransaction, *, company_id: UUID, now: datetime) -> list[UUID]:
    """Whose invitation is as old as one may become."""
    return [row["member_id"] for row in await control.fetch(_EXPIRED, company_id, now)]


async def follow_later(control: ControlTransaction, *, company_id: UUID, member_ids: Sequence[UUID]) -> None:
    """Have the members' rows follow, where the caller does not see to it."""
    await _follow(control, company_id, member_ids)


async def _follow(control: ControlTransaction, company_id: UUID, member_ids: Sequence[UUID]) -> None:
    await enqueue(
        control,
        *(
            NewJob(FOLLOW_JOB, {"company": str(company_id), "member": str(member_id), "new": None})
            for member_id in member_ids
        ),
    )


__all__ = [
    "FOLLOW_JOB",
    "SYSTEM",
    "Candidate",
    "candidates",
    "choose_keepers",
    "expired_reservations",
    "follow_later",
    "give_back",
    "release_surplus",
]
