"""What the revisions make is what the models say."""

import pytest
from alembic.autogenerate import compare_metadata

from kedang_migrations.environments import ENVIRONMENTS, TENANT
from kedang_migrations.scratch import apply_revisions, compare, create_all, schema_of, scratch_database
from kedang_platform.database.pools import connect
from kedang_tenants.revision import REVISION

CATALOGUE = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, k.collname,
               col_description(c.oid, a.attnum)
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation k ON k.oid = a.attcollation
        WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
    """,
    "constraints": """
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = $1::regnamespace
    """,
    "indexes": """
        SELECT c.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = $1::regnamespace
    """,
    "tables": """
        SELECT relname, relkind, relpersistence, relrowsecurity, obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace = $1::regnamespace
    """,
}


async def catalogue(url, environment):
    connection = await connect(url)
    try:
        return {
            name: sorted(map(repr, await connection.fetch(query, schema_of(environment))))
            for name, query in CATALOGUE.items()
        }
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ENVIRONMENTS)
async def test_upgrading_makes_exactly_what_the_models_say(servers, name):
    environment = ENVIRONMENTS[name]
    async with scratch_database(servers.database_url) as url:
        await apply_revisions(url, environment)
        upgraded = await catalogue(url, environment)
        assert (
            await compare(url, environment, lambda c: compare_metadata(c, environment.load_metadata())) == []
        )
    async with scratch_database(servers.database_url) as url:
        await create_all(url, environment)
        created = await catalogue(url, environment)
    for kind in CATALOGUE:
        assert upgraded[kind] == created[kind], kind
    assert len(upgraded["tables"]) > 5


def test_the_code_says_which_revision_it_needs():
    assert TENANT.head() == REVISION


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_revisions_are_one_line_of_numbers_without_gaps(name):
    found = [script.revision for script in ENVIRONMENTS[name].scripts().walk_revisions()]
    assert found == [f"{number:04d}" for number in range(len(found), 0, -1)]
