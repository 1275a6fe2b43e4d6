"""What a member has in hand, and what they have taken out in the last 90 days (A12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.handover.asking import ensure_may_hand_over
from kedang_tenants.reading import Viewer

LOOKED_BACK: Final = timedelta(days=90)
_MOST: Final = 500

_IN_HAND = """
SELECT (SELECT count(*) FROM customer WHERE owner_id = $1 AND archived_at IS NULL) AS customers,
       (SELECT count(*) FROM follow_up_plan WHERE owner_id = $1 AND state = 'PLANNED' AND archived_at IS NULL) AS plans,
       (SELECT count(*) FROM service_request
        WHERE owner_id = $1 AND state NOT IN ('CLOSED', 'CANCELLED') AND archived_at IS NULL) AS requests,
       (SELECT count(*) FROM report_definition WHERE owner_id = $1 AND archived_at IS NULL) AS reports,
       (SELECT count(*) FROM webhook WHERE owner_id = $1 AND archived_at IS NULL) AS webhooks,
       (SELECT count(*) FROM member WHERE superior_id = $1 AND archived_at IS NULL) AS subordinates
"""
_TAKEN_OUT = f"""
SELECT * FROM (
    SELECT 'EXPORT' AS kind, record AS what, created_at AS at, rows_done AS records FROM export
    WHERE started_by_id = $1 AND created_at >= $2
    UNION ALL
    SELECT 'BULK_EXPORT', record, created_at, done FROM bulk_operation
    WHERE started_by_id = $1 AND kind = 'EXPORT' AND created_at >= $2
    UNION ALL
    SELECT 'REPORT', kind, created_at, rows_done FROM report_run WHERE asked_by_id = $1 AND created_at >= $2
) AS taken ORDER BY at DESC, what LIMIT {_MOST}
"""


@dataclass(frozen=True, slots=True)
class InHand:
    """How much of each a member has."""

    customers: int
    plans: int
    requests: int
    reports: int
    webhooks: int
    subordinates: int


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Something that left the product with a member. ``records``: how many, where that is known."""

    kind: str
    what: str
    at: datetime
    records: int | None


async def look_at(
    read: TenantRead, viewer: Viewer, *, member_id: UUID, clock: Clock
) -> tuple[InHand, Sequence[TakenOut]]:
    """What there is to hand over, and the exports of 90 days, the newest first (500 at most).

    Raises ``Forbidden`` and ``NotFound``.
    """
    ensure_may_hand_over(viewer)
    if await read.fetchval("SELECT id FROM member WHERE id = $1", member_id) is None:
        raise NotFound(msg("There is no such member."), path=("memberId",))
    row = await read.fetchrow(_IN_HAND, member_id)
    assert row is not None, "a SELECT of counts has a row"
    taken = await read.fetch(_TAKEN_OUT, member_id, clock.now() - LOOKED_BACK)
    return InHand(**row), [TakenOut(**each) for each in taken]
