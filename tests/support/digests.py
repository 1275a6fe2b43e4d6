"""What stands in a company, as one value: equal before and after means that nothing was changed."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import asyncpg

from kedang_platform.database import CompanyRef, Databases

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename"


# What the installation keeps of people and companies; not its counters of tries.
PLATFORM = tuple(f"platform.{name}" for name in ("company", "person", "membership", "session", "api_key"))
_CREDENTIALS = frozenset({"platform.session", "platform.api_key"})


async def digests(
    databases: Databases, *companies: CompanyRef, besides: Sequence[str] = ("work.job",)
) -> Mapping[str, str]:
    """A digest of every table of these companies and of all jobs, by the name of the table."""
    async with databases.owner() as owner:
        found = {table: await _digest(owner, table) for table in besides}
        for company in companies:
            for row in await owner.fetch(_TABLES, company.schema):
                table = f'"{company.schema}"."{row["tablename"]}"'
                found[table] = await _digest(owner, table)
    return found


async def _digest(owner: asyncpg.Connection, table: str) -> str:
    # When a credential was last used is noted by the gateway in its own time.
    row = "to_jsonb(t) - 'last_used_at'" if table in _CREDENTIALS else "t"
    rows = await owner.fetch(f"SELECT ({row})::text AS row FROM {table} t ORDER BY 1")
    return sha256("\n".join(row["row"] for row in rows).encode()).hexdigest()
