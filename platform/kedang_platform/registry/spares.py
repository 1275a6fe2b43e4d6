"""Schemas kept ready: a sign-up takes one that already bears its final name, so no request runs DDL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.registry.company import COLUMNS, Company, NewCompany, company_from, new_handle

KEEP_SPARES = "registry.keep_spares"
"""The installation's job that builds schemas until enough stand ready; a sign-up asks for it when it took one."""


class NoSpareSchema(KedangError):
    """Every prepared schema is taken; the next ones are being built."""


# Two sign-ups at once never wait for each other nor take the same spare (SKIP LOCKED).
_CLAIM = f"""
WITH spare AS (
    SELECT name, database, revision FROM platform.tenant_schema
    WHERE state = 'spare' AND revision >= $8
    ORDER BY created_at, name LIMIT 1
    FOR UPDATE SKIP LOCKED
), made AS (
    INSERT INTO platform.company (id, name, schema_name, database, status, country, language, time_zone,
                                  currency, revision, created_at, handle)
    SELECT $1, $2, spare.name, spare.database, 'opening', $3, $4, $5, $6, spare.revision, $7, $9 FROM spare
    RETURNING {COLUMNS}
), claimed AS (
    UPDATE platform.tenant_schema SET state = 'claimed', company_id = $1
    FROM spare WHERE tenant_schema.name = spare.name
)
SELECT * FROM made
"""


async def claim_schema(
    write: ControlTransaction, *, company_id: UUID, company: NewCompany, now: datetime, revision: str = ""
) -> Company:
    """Register ``company`` as opening, in a prepared schema that stands at ``revision`` or later.

    Raises NoSpareSchema when none is left, and registers nothing then.
    """
    row = await write.fetchrow(
        _CLAIM,
        company_id,
        company.name,
        company.country,
        company.language,
        company.time_zone,
        company.currency,
        now,
        revision,
        new_handle(),
    )
    if row is None:
        raise NoSpareSchema(msg("No place for a new company is ready yet. Please try again in a moment."))
    return company_from(row)


async def count_spares(read: ControlRead, *, revision: str = "") -> int:
    """How many sign-ups can be served at once, of those standing at ``revision`` or later."""
    count: int = await read.fetchval(
        "SELECT count(*) FROM platform.tenant_schema WHERE state = 'spare' AND revision >= $1", revision
    )
    return count
