"""Daily reports that wait for an account manager who has left go to whoever stands there now (F5)."""

from __future__ import annotations

from typing import Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.dailies.making import REPORT
from kedang_tenants.dailies.superiors import line_above
from kedang_tenants.dailies.telling import submitted_letters
from kedang_tenants.people.everybody import load_everybody
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Viewer

_MOST: Final = 1_000
"""Reports that one day hands on; the next day takes the others."""
# What went to the manager at once is gathered by nobody, and is not handed on.
_WAITING: Final = f"""
SELECT d.id, d.member_id, d.recipient_id, d.day, d.kind, d.returned_at,
       count(c.id) AS cards, count(c.id) FILTER (WHERE c.settlement = 'OPEN') AS urgent
FROM daily_report d JOIN member m ON m.id = d.recipient_id AND (m.state <> 'ACTIVE' OR m.archived_at IS NOT NULL)
LEFT JOIN daily_report_card c ON c.report_id = d.id AND c.archived_at IS NULL
WHERE d.state = 'SUBMITTED' AND d.kind = 'DAILY' AND d.gathered_in_id IS NULL AND d.archived_at IS NULL
  AND d.recipient_id IS DISTINCT FROM d.manager_id
GROUP BY d.id ORDER BY d.id LIMIT {_MOST}
"""


async def hand_on(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """Hand on what nobody has gathered to who stands above its writer now; they are told. Returns how many went.

    Where a handover has named a successor, it has gone to that one already.
    """
    rows = await write.fetch(_WAITING)
    if not rows:
        return 0
    everybody = await load_everybody(write, day=viewer.today(clock))
    changes, letters = [], []
    for row in rows:
        recipient = line_above(everybody, row["member_id"]).recipient_id
        if recipient is not None and recipient != row["recipient_id"]:
            changes.append(Change(REPORT, "update", row["id"], values={"recipient_id": recipient}))
            letters += await submitted_letters(
                write,
                dict(row),
                recipients=[recipient],
                cards=row["cards"],
                urgent=row["urgent"],
                clock=clock,
            )
    await change_internally(write, viewer, changes, clock=clock)
    await tell(write, viewer, letters, clock=clock)
    return len(changes)
