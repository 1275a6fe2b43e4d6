"""What is noted stays noted: no role of a company, and none of the application, changes or removes an entry."""

import hashlib

import asyncpg
import pytest

from kedang_migrations.wall import table_grants
from kedang_platform.clock import FixedClock
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.changing.erasing import forget

pytestmark = pytest.mark.requirement("T7")


async def entries(world, record="contact"):
    async with world.databases.tenant_read(world.factory.company.ref) as read:
        return await read.fetch("SELECT * FROM audit WHERE record = $1 ORDER BY sequence", record)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET via = 'nobody'",
        "UPDATE audit SET salt = NULL",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE audit_seal SET chain = ''",
        "DELETE FROM audit_seal",
        "SELECT sequence FROM audit FOR UPDATE",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "SELECT setval('audit_sequence_seq', 1)",
    ],
)
async def test_a_companys_own_role_adds_and_nothing_else(world, statement):
    before = await entries(world, "customer")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.databases.tenant_write(world.factory.company.ref) as write:
            await write.fetch(statement)
    assert await entries(world, "customer") == before
    assert len(before) == 7


async def test_an_entry_bears_the_digest_of_its_salt_and_values(world):
    await world.change(
        "representative",
        Change("contact", "update", world.contacts["representative"], values={"phone": "030-0074321"}),
    )
    rows = [
        *await entries(world, "contact"),
        *await entries(world, "customer"),
        *await entries(world, "member"),
    ]
    assert len(rows) == 24
    assert {len(row["salt"]) for row in rows} == {16}
    assert len({row["salt"] for row in rows}) == 24
    for row in rows:
        assert row["digest"] == hashlib.sha256(row["salt"] + row["changes"].encode()).digest()


@pytest.mark.requirement("T9")
async def test_an_erasure_takes_values_and_salt_and_leaves_the_digest(world):
    contact, other = world.contacts["representative"], world.contacts["manager"]
    for person, value in (
        ("representative", "030-0074321"),
        ("representative", "030-0074322"),
        ("manager", "0171"),
    ):
        change = Change(
            "contact", "update", world.contacts[person], values={"phone": value, "title": "Buyer"}
        )
        await world.change(person, change)
    before = await entries(world)
    company = world.factory.company.ref
    arguments = {
        "records": {"contact": [contact]},
        "fields": {"contact": ["name", "phone"]},
        "clock": FixedClock(),
    }
    assert await forget(world.databases, company, **arguments) == 3
    after = await entries(world)
    assert [row["digest"] for row in after] == [row["digest"] for row in before]
    of_contact = [row for row in after if row["record_id"] == contact]
    assert [row["salt"] for row in of_contact] == [None, None, None]
    assert not any("030-007432" in row["changes"] or "Contact of" in row["changes"] for row in of_contact)
    assert '"title": [null, "Buyer"]' in of_contact[1]["changes"]
    assert '"phone": [null, null]' in of_contact[2]["changes"]
    others = [row for row in after if row["record_id"] != contact]
    assert others == [row for row in before if row["record_id"] != contact]
    assert any(row["record_id"] == other and "0171" in row["changes"] for row in others)
    (noted,) = await entries(world, "audit")
    assert (noted["action"], noted["via"], noted["actor_id"]) == ("audit.forgotten", "erasure", None)

    assert await forget(world.databases, company, **arguments) == 0
    assert await forget(world.databases, company, records={"contact": [new_id()]}, clock=FixedClock()) == 0
    assert [*await entries(world), *await entries(world, "audit")] == [*after, noted]
    assert await forget(world.databases, company, records={"contact": [contact]}, clock=FixedClock()) == 2
    assert not any("Buyer" in row["changes"] for row in await entries(world) if row["record_id"] == contact)


@pytest.mark.parametrize("as_role", [True, False])
async def test_with_and_without_roles_of_companies_nobody_changes_an_entry(databases, company, as_role):
    """Where companies have no roles, the application's own role writes for all of them: it only adds, too."""
    roles, schema = databases.roles(), company.ref.schema
    user = schema if as_role else roles.app
    async with databases.owner() as owner:
        transaction = owner.transaction()
        await transaction.start()
        for statement in table_grants(schema, roles=roles, as_role=as_role):
            await owner.execute(statement)
        found = {
            (table, right): await owner.fetchval(
                "SELECT has_table_privilege($1, $2, $3)", user, f"{schema}.{table}", right
            )
            for table in ("audit", "audit_seal", "customer")
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
        }
        await transaction.rollback()
    rights = {
        table: [right for (of, right), may in found.items() if of == table and may] for table, _ in found
    }
    assert rights == {
        "audit": ["SELECT", "INSERT"],
        "audit_seal": ["SELECT", "INSERT"],
        "customer": ["SELECT", "INSERT", "UPDATE", "DELETE"],
    }
