"""How long it is known what operations took."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from kedang_platform.database import TenantWrite

TIDY: Final = "measuring.tidy"
KEPT: Final = timedelta(days=30)
_CHUNK: Final = 5_000

_HOURS = """
DELETE FROM measured_hour WHERE (hour, operation_id, credential_id) IN
  (SELECT hour, operation_id, credential_id FROM measured_hour WHERE hour < $1 LIMIT $2) RETURNING TRUE"""
_STATEMENTS = """
DELETE FROM measured_statement WHERE (operation_id, day, statement_id) IN
  (SELECT operation_id, day, statement_id FROM measured_statement WHERE day < $1::timestamptz::date LIMIT $2)
RETURNING TRUE"""
# SKIP LOCKED: a gateway that has just met the operation again keeps it.
_OPERATIONS = """
DELETE FROM measured_operation WHERE id IN (
  SELECT id FROM measured_operation o WHERE last_at < $1
    AND NOT EXISTS (SELECT FROM measured_hour h WHERE h.operation_id = o.id)
    AND NOT EXISTS (SELECT FROM measured_statement s WHERE s.operation_id = o.id)
  LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING TRUE"""


async def forget_part(write: TenantWrite, *, now: datetime) -> bool:
    """Remove a part of what is older than ``KEPT``; whether there may be more."""
    before = now - KEPT
    removed = [len(await write.fetch(sql, before, _CHUNK)) for sql in (_HOURS, _STATEMENTS, _OPERATIONS)]
    return _CHUNK in removed
