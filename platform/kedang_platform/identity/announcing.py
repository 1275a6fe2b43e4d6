"""Telling the other processes at once that a credential has ended; without it they notice in 5 seconds.

It is told twice: by PostgreSQL with the commit, and by Valkey right after it, for those who cannot listen to the
database (PgBouncer in transaction mode).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from kedang_platform.database import ControlTransaction

CHANNEL = "kedang_credential_ended"
VALKEY_CHANNEL = "kedang:ended"


async def announce_ended(control: ControlTransaction, credential_id: UUID) -> None:
    """Send the id of an ended session or key to who listens, when the transaction commits."""
    control.ends_credentials = True
    await control.execute(select(func.pg_notify(CHANNEL, str(credential_id))))
