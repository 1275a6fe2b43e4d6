import shutil

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kedang_migrations import rendering
from kedang_migrations.environments import TENANT, Environment
from kedang_migrations.revise import revise
from kedang_migrations.scratch import apply_revisions, schema_of, scratch_database
from kedang_platform.database.metadata import NAMING
from kedang_platform.database.pools import connect


class Shout(TypeDecorator):
    impl = String(20)
    cache_ok = True


def first_models():
    metadata = MetaData(naming_convention=NAMING)
    Table("thing", metadata, Column("id", Integer, primary_key=True), Column("name", Text(collation="C")))
    return metadata


def second_models():
    metadata = MetaData(naming_convention=NAMING)
    thing = Table(
        "thing",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", Text(collation="C")),
        Column("words", ARRAY(Text(collation="C"))),
        Column("data", JSONB(none_as_null=True)),
        Column("shouted", Shout),
    )
    Index("ix_thing_words", thing.c.words, postgresql_using="gin")
    Index("uq_thing_name", thing.c.name, unique=True, postgresql_where=text("name LIKE 'a%'"))
    return metadata


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "versions").mkdir()
    shutil.copy(TENANT.folder / "script.py.mako", tmp_path)
    return tmp_path


async def test_revisions_follow_the_models(servers, folder):
    async def write(models, message, *, rewrite_first=False):
        environment = Environment("tenant", models, folder)
        path = await revise(
            environment, message, superuser_url=servers.database_url, rewrite_first=rewrite_first
        )
        return environment, path

    _, first = await write(first_models, "first")
    assert first == folder / "versions" / "0001_first.py"
    assert await write(first_models, "nothing new") == (Environment("tenant", first_models, folder), None)

    environment, second = await write(second_models, "more of a thing")
    assert second == folder / "versions" / "0002_more_of_a_thing.py"
    assert [step.revision for step in rendering.steps(environment)] == ["0001", "0002"]
    assert rendering.steps(environment)[1].statements == (
        'ALTER TABLE thing ADD COLUMN words TEXT[] COLLATE "C"',
        "ALTER TABLE thing ADD COLUMN data JSONB",
        "ALTER TABLE thing ADD COLUMN shouted VARCHAR(20)",
        "CREATE INDEX ix_thing_words ON thing USING gin (words)",
        "CREATE UNIQUE INDEX uq_thing_name ON thing (name) WHERE name LIKE 'a%'",
    )
    async with scratch_database(servers.database_url) as url:
        await apply_revisions(url, environment)
        connection = await connect(url)
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", schema_of(environment)
        )
        await connection.close()
    assert [row["tablename"] for row in tables] == ["thing"]

    environment, only = await write(second_models, "all anew", rewrite_first=True)
    assert [path.name for path in sorted((folder / "versions").glob("*.py"))] == ["0001_all_anew.py"]
    assert only == folder / "versions" / "0001_all_anew.py"
    assert len(rendering.steps(environment)[0].statements) == 3
