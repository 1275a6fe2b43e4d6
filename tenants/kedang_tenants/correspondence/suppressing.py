"""Addresses that nothing is sent to: put there by mails that came back, by a complaint, or by hand; lifted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.changing import Change, Draft, change_internally, prepares
from kedang_tenants.correspondence.models import COMPLAINT, HARD_BOUNCE, SOFT_BOUNCES
from kedang_tenants.correspondence.rule import rule_of
from kedang_tenants.customers.consenting import address_hash
from kedang_tenants.reading import Viewer

HARD, SOFT, DELAYED, COMPLAINED = "HARD", "SOFT", "DELAYED", "COMPLAINT"
"""What can be reported about a mail."""
_REASONS: Final = {HARD: HARD_BOUNCE, SOFT: SOFT_BOUNCES, COMPLAINED: COMPLAINT}

_AMONG = (
    "SELECT address_hash FROM mail_suppression WHERE address_hash = ANY($1::text[]) AND archived_at IS NULL"
)
_HOLD = "SELECT pg_advisory_xact_lock(hashtext('suppressions'), hashtext($1))"
_NOTE = """
INSERT INTO mail_bounce (mail_id, report, address_hash, said, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (mail_id, report) DO NOTHING RETURNING mail_id
"""
# What came back before somebody lifted the suppression says nothing about the address as it is now.
_PASSING = """
SELECT count(*) FROM mail_bounce b WHERE b.address_hash = $1 AND b.report = 'SOFT' AND b.at > $2 AND b.at > coalesce(
    (SELECT max(s.archived_at) FROM mail_suppression s WHERE s.address_hash = $1), '-infinity')
"""


async def suppressed_among(read: TenantRead, hashes: Sequence[str]) -> set[str]:
    """Those of the hashes of addresses that nothing is sent to."""
    if not hashes:
        return set()
    return {row["address_hash"] for row in await read.fetch(_AMONG, list(set(hashes)))}


async def note_report(
    write: TenantWrite,
    viewer: Viewer,
    *,
    mail_id: UUID,
    address: str,
    report: str,
    said: str,
    clock: Clock,
) -> bool:
    """Note what was reported about a mail to an address, and suppress it; False where it was noted before.

    A hard bounce and a complaint suppress it, a soft one does after as many as the company's rule says, a delay never.
    """
    hashed = address_hash(address)
    await write.fetch(_HOLD, f"{write.company.schema}:{hashed}")
    if await write.fetchval(_NOTE, mail_id, report, hashed, said, clock.now()) is None:
        return False
    if report == DELAYED or (report == SOFT and not await _too_often(write, hashed, clock=clock)):
        return True
    if await suppressed_among(write, [hashed]):
        return True
    values: dict[str, object] = {"address": address, "reason": _REASONS[report], "said": said or None}
    await change_internally(write, viewer, [Change("mail_suppression", "create", values=values)], clock=clock)
    return True


async def _too_often(read: TenantRead, hashed: str, *, clock: Clock) -> bool:
    bounces = (await rule_of(read)).bounces
    return bool(await read.fetchval(_PASSING, hashed, clock.now() - bounces.time) >= bounces.mails)


@prepares("mail_suppression")
async def complete(
    write: TenantWrite,  # noqa: ARG001 - the signature of a step
    viewer: Viewer,
    drafts: Sequence[Draft],
    clock: Clock,  # noqa: ARG001
) -> None:
    """Note of a new one who put it there, and the hash that it is found by."""
    for draft in drafts:
        if draft.old is None and draft.now("address"):
            draft.values["address_hash"] = address_hash(str(draft.now("address")))
            draft.values["put_by_id"] = viewer.member_id
