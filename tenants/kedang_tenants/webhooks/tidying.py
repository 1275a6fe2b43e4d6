"""How long the log of deliveries is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kedang_platform.database import TenantWrite

TIDY: Final = "webhooks.tidy"
KEPT: Final = timedelta(days=30)
CHUNK: Final = 5_000
"""Deliveries that one step forgets."""

_FORGET: Final = """
WITH old AS (
    SELECT id FROM webhook_delivery WHERE state <> 'WAITING' AND updated_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (DELETE FROM webhook_delivery d USING old WHERE d.id = old.id RETURNING 1)
SELECT count(*) FROM gone
"""


async def forget_part(write: TenantWrite, *, now: datetime) -> int:
    """Remove up to ``CHUNK`` deliveries that came to their end ``KEPT`` ago or longer; how many there were."""
    return int(await write.fetchval(_FORGET, now - KEPT, CHUNK))
