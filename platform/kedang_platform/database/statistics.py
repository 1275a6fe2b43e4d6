"""What the planner knows of a company's tables, brought up to date when they have just grown."""

from __future__ import annotations

from kedang_platform.database.company import CompanyRef, checked_schema
from kedang_platform.database.databases import Databases
from kedang_platform.database.errors import DRIVER_ERRORS, tell

_LOCK_WAIT = "200ms"


async def refresh_statistics(databases: Databases, company: CompanyRef, table: str) -> None:
    """ANALYZE a table of the company; raises DatabaseBusy when somebody else is at it.

    A table that was empty when it was last looked at is planned for as if it were nearly empty: a
    list of a hundred then sorts all of it, until autovacuum looks again after a minute or more.
    Only its owner may analyse a table (before PostgreSQL 17), so this is no statement of the company.
    """
    name = '"' + table.replace('"', '""') + '"'
    async with databases.owner(company.database) as owner:
        try:
            await owner.execute(f"SET lock_timeout = '{_LOCK_WAIT}'")
            await owner.execute(f'ANALYZE "{checked_schema(company.schema)}".{name}')
        except DRIVER_ERRORS as error:
            tell(error)
