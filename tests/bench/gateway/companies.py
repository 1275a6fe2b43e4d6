"""Many companies like one: their schemas hold the tables that reading a list of customers touches.

A whole schema takes 0.1 to 0.2 s to build, so a thousand of them would take longer than everything that is measured.
What a backend remembers, it remembers of tables that it touched.
"""

import asyncio
from uuid import UUID

from kedang_migrations.wall import schema_statements, table_grants
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.database.company import new_schema_name
from kedang_platform.identity.api_keys import create_api_key
from kedang_platform.ids import new_id
from tests.support.database import SECRET
from tests.support.members import TestMember

TABLES = ("member", "department", "custom_field", "customer")
CUSTOMERS = 120  # a part of them belongs to the other department
_LANES = 4
_COMPANY = """
INSERT INTO platform.company (id, name, schema_name, handle, database, status, country, language, time_zone, currency,
    revision, created_at)
SELECT $2, name, $3, $3, database, status, country, language, time_zone, currency, revision, created_at
FROM platform.company WHERE id = $1
"""
_MEMBERSHIP = """
INSERT INTO platform.membership (person_id, company_id, member_id, seat, state, created_at)
SELECT person_id, $2, $4, seat, state, created_at FROM platform.membership WHERE company_id = $1 AND member_id = $3
"""


async def companies_like(databases: Databases, asker: TestMember, *, count: int) -> list[str]:
    """So many further companies with the asker's members and as many customers as a list takes; the asker's API key in each."""
    # A member is of one company: everywhere the asker has another id.
    schemas = {new_schema_name(): new_id() for _ in range(count)}
    lanes = [list(schemas.items())[lane::_LANES] for lane in range(_LANES)]
    await asyncio.gather(*(_build(databases, asker, lane) for lane in lanes))
    async with databases.control() as control:
        return [await _enter(control, asker, schema, member) for schema, member in schemas.items()]


async def _build(databases: Databases, asker: TestMember, schemas: list[tuple[str, UUID]]) -> None:
    roles, model = databases.roles(), asker.company.ref.schema
    async with databases.owner() as owner:
        for schema, member in schemas:
            tables = [
                f'CREATE TABLE "{schema}".{table} (LIKE "{model}".{table} INCLUDING ALL);'
                f' INSERT INTO "{schema}".{table} SELECT * FROM "{model}".{table}'
                + (f" ORDER BY name_sort LIMIT {CUSTOMERS}" if table == "customer" else "")
                for table in TABLES
            ]
            tables.append(f"UPDATE \"{schema}\".member SET id = '{member}' WHERE id = '{asker.id}'")
            tables.append(f'ANALYZE "{schema}".customer')
            made = schema_statements(schema, roles=roles, as_role=True)
            await owner.execute(";".join([*made, *tables, *table_grants(schema, roles=roles, as_role=True)]))


async def _enter(control: ControlTransaction, asker: TestMember, schema: str, member: UUID) -> str:
    """Make the schema a company in which the asker is this member; returns their API key."""
    company: UUID = new_id()
    await control.fetch(_COMPANY, asker.company.id, company, schema)
    await control.fetch(_MEMBERSHIP, asker.company.id, company, asker.id, member)
    made = await create_api_key(
        control,
        company_id=company,
        member_id=member,
        name="bench",
        scopes=("read",),
        expires_at=None,
        environment="test",
        key=SECRET,
        now=asker.company.created_at,
    )
    return made.text
