"""What stands in a company, as one value: equal before and after means that nothing was changed."""

from collections.abc import Mapping, Sequence

from kedang_platform.database import CompanyRef, Databases

# Tables that have ever had a row: the others of a company are not worth a look.
_TABLES = """
SELECT format('"%s"."%s"', n.nspname, c.relname) AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY($1::text[]) AND pg_relation_size(c.oid) > 0
"""


# What the installation keeps of people and companies; not its counters of tries.
PLATFORM = tuple(f"platform.{name}" for name in ("company", "person", "membership", "session", "api_key"))
_CREDENTIALS = frozenset({"platform.session", "platform.api_key"})


async def digests(
    databases: Databases, *companies: CompanyRef, besides: Sequence[str] = ("work.job",)
) -> Mapping[str, str]:
    """A digest of every table with rows of these companies and of all jobs, by the name of the table."""
    async with databases.owner() as owner:
        found = await owner.fetch(_TABLES, [company.schema for company in companies])
        tables = [*besides, *(row["name"] for row in found)]
        if not tables:
            return {}
        rows = await owner.fetch(" UNION ALL ".join(_digest(table) for table in tables))
    return {row["name"]: row["digest"] for row in rows}


def _digest(table: str) -> str:
    # When a credential was last used is noted by the gateway in its own time.
    row = "(to_jsonb(t) - 'last_used_at')::text" if table in _CREDENTIALS else "t::text"
    return f"""
SELECT '{table}' AS name, md5(string_agg({row}, chr(10) ORDER BY {row})) AS digest FROM {table} t HAVING count(*) > 0"""
