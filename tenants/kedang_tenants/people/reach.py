"""What a member reaches beyond their roles: customers shared with them for a time, archives closed or opened to them (A11).

The tables are those of the customers, a higher feature: who looks has to be known before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead

SHARES: Final = """
EXISTS (SELECT 1 FROM customer_collaborator c WHERE c.member_id = m.id AND c.until > $2 AND c.archived_at IS NULL)
"""
GRANTED: Final = """
EXISTS (SELECT 1 FROM archive_grant g WHERE g.member_id = m.id AND g.state = 'GRANTED' AND g.until > $2
        AND g.archived_at IS NULL)
"""
RESTRICTED: Final = "EXISTS (SELECT 1 FROM customer r WHERE r.restricted)"
_SHARED = """
SELECT customer_id, role, until FROM customer_collaborator WHERE member_id = $1 AND until > $2 AND archived_at IS NULL
UNION ALL
SELECT customer_id, 'GRANT', until FROM archive_grant
WHERE member_id = $1 AND state = 'GRANTED' AND until > $2 AND archived_at IS NULL
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Customers that count as one's own for reading, and for changing; those opened by a grant; until when all of it holds."""

    shared: tuple[UUID, ...] = ()
    shared_to_write: tuple[UUID, ...] = ()
    opened: tuple[UUID, ...] = ()
    until: datetime | None = None


async def reach_of(read: TenantRead, *, member_id: UUID, now: datetime) -> Reach:
    """What is shared with a member and opened to them at ``now``. A grant lets read what it opens."""
    rows = await read.fetch(_SHARED, member_id, now)
    return Reach(
        shared=tuple(dict.fromkeys(row["customer_id"] for row in rows)),
        shared_to_write=tuple(row["customer_id"] for row in rows if row["role"] == "WRITE"),
        opened=tuple(dict.fromkeys(row["customer_id"] for row in rows if row["role"] == "GRANT")),
        until=min((row["until"] for row in rows), default=None),
    )
