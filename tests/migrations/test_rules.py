"""The rules of design section 2 that keep prepared statements and a cluster of databases working."""

import pytest
from sqlalchemy import DateTime, String
from sqlalchemy.dialects import postgresql

from kedang_migrations.environments import TENANT
from kedang_migrations.scratch import TENANT_SCHEMA, apply_revisions, scratch_database
from kedang_platform.database.pools import connect

pytestmark = pytest.mark.requirement("O1")

TABLES = TENANT.load_metadata().sorted_tables
COLUMNS = [column for table in TABLES for column in table.columns]
# Everything a company's columns may be made of; no enum, no domain, no type of ours.
TYPES = {
    "bigint",
    "boolean",
    "bytea",
    "date",
    "integer",
    "jsonb",
    "smallint",
    "text",
    "text[]",
    "time without time zone",
    "timestamp with time zone",
    "uuid",
    "uuid[]",
}


@pytest.fixture(scope="module")
async def schema(servers):
    """A connection to a database with one migrated company's schema."""
    async with scratch_database(servers.database_url) as url:
        await apply_revisions(url, TENANT)
        connection = await connect(url)
        yield connection
        await connection.close()


async def found(schema, query):
    return [tuple(row) for row in await schema.fetch(query, TENANT_SCHEMA)]


def test_tables_name_no_schema():
    assert [table.name for table in TABLES if table.schema is not None] == []


def test_a_company_has_about_a_hundred_tables_at_most():
    assert 10 < len(TABLES) <= 115


def test_text_is_compared_by_its_bytes():
    def is_c(column):
        kind = column.type.item_type if isinstance(column.type, postgresql.ARRAY) else column.type
        return not isinstance(kind, String) or kind.collation == "C"

    assert [str(column) for column in COLUMNS if not is_c(column)] == []


def test_instants_know_their_zone():
    assert [str(c) for c in COLUMNS if isinstance(c.type, DateTime) and not c.type.timezone] == []


def test_ids_and_times_are_bound_from_the_program():
    defaults = {
        str(column): str(column.server_default.arg)
        for column in COLUMNS
        if hasattr(column.server_default, "arg")
    }
    volatile = [name for name, text in defaults.items() if "(" in text]
    assert volatile == []


def test_every_table_has_a_primary_key():
    assert [table.name for table in TABLES if not table.primary_key.columns] == []


def test_foreign_keys_stay_inside_the_schema_and_change_nothing_by_themselves():
    keys = [key for table in TABLES for key in table.foreign_keys]
    assert [
        key for key in keys if "." in key.target_fullname.replace(f"{key.column.table.name}.", "", 1)
    ] == []
    assert [str(key.parent) for key in keys if key.onupdate or key.ondelete] == []


async def test_columns_are_of_the_plain_types(schema):
    rows = await found(
        schema,
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
    )
    assert len(rows) == len(COLUMNS)
    strange = {row for row in rows if row[2] not in TYPES and not row[2].startswith("numeric(18,")}
    assert strange == set()


async def test_text_columns_bear_the_collation_in_the_database(schema):
    rows = await found(
        schema,
        "SELECT c.relname, a.attname, k.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_collation k ON k.oid = a.attcollation"
        " WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND k.collname <> 'C'",
    )
    assert rows == []


@pytest.mark.parametrize(
    "query",
    [
        (
            "SELECT typname FROM pg_type t WHERE typnamespace = $1::regnamespace"
            " AND typtype <> 'c' AND typelem = 0"
        ),
        "SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace",
        (
            "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal"
        ),
        "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind NOT IN ('r', 'i', 'S')",
        (
            "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'S'"
            " AND relname NOT LIKE 'audit%'"
        ),
        "SELECT rulename FROM pg_rules WHERE schemaname = $1",
        "SELECT policyname FROM pg_policies WHERE schemaname = $1",
        (
            "SELECT inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE c.relnamespace = $1::regnamespace"
        ),
        (
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " WHERE c.relnamespace = $1::regnamespace AND NOT i.indisvalid"
        ),
    ],
    ids=[
        "types",
        "functions",
        "triggers",
        "views",
        "sequences",
        "rules",
        "policies",
        "inheritance",
        "broken indexes",
    ],
)
async def test_a_companys_schema_holds_none_of_these(schema, query):
    assert await found(schema, query) == []


async def test_nothing_lies_in_public(schema):
    assert (
        await schema.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        == 0
    )
