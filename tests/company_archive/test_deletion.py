"""A company that goes leaves nothing behind: its id, its schema and what it called itself are found nowhere any more."""

import asyncio
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import asyncpg
import pytest
import redis
from sqlalchemy import insert

from kedang_migrations.runner import build_spares
from kedang_platform.identity.tables import one_time_token, session
from kedang_platform.licensing import subscribe
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.invoices import Line, issue
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.registry import CompanyNotDeleting, find_company
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.files.operations import keep_file
from kedang_tenants.leaving.deleting import delete_due
from kedang_tenants.leaving.operations import NameNotConfirmed, delete_company, keep_company
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.caches import ValkeyCaches
from tests.support.database import make_company
from tests.support.factories import Factory
from tests.support.members import TestMember, make_key, make_member, viewer_of

pytestmark = pytest.mark.requirement("T7")
MARKERS = (f"Zyklamenwurz{letter}" for letter in "abcdefgh")
GRACE = timedelta(days=30)


async def chunks(content):
    yield content


@pytest.fixture
async def planted(elsewhere, files, clock, work_redis_url):
    """Two companies with the marker in whatever can hold it; the second stays."""
    marker = next(MARKERS)
    await build_spares(elsewhere, count=3)
    companies = [await make_company(elsewhere, name=f"{name} Ltd") for name in (marker, "Stays")]
    for company, word in zip(companies, (marker, "Stays"), strict=True):
        await plant(elsewhere, company, word, files, clock, work_redis_url)
    yield companies
    client = redis.Redis.from_url(work_redis_url)
    client.flushdb()
    client.close()


async def plant(databases, company, word, files, clock, redis_url):
    factory = Factory(databases, company)
    member = await make_member(databases, company, "OWNER", name=f"{word} Owner")
    await factory.one("customer", name=f"{word} customer", owner_id=member.id)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        stored = await files.put(company.ref, chunks(word.encode()))
        await keep_file(write, viewer, name=f"{word}.csv", stored=stored, member_id=member.id, clock=clock)
        await write.fetch(
            "INSERT INTO kept_answer (actor_id, key, request, response, created_at) VALUES ($1, $2, $3, $2, now())",
            member.id,
            word,
            b"",
        )
        await enqueue(write, NewJob("events.fan_out", {"transaction": word}, key=word))
    await make_key(databases, member, key=SecretKey(b"a secret of this test"))
    now = datetime.now(UTC)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.person SET email = lower(email), name = $2 WHERE id = $1", member.person_id, word
        )
        await subscribe(control, company_id=company.id, free_seats=2, now=now)
        email = await control.fetchval("SELECT email FROM platform.person WHERE id = $1", member.person_id)
        await control.execute(
            insert(session).values(
                token_hash=member.id.bytes, id=member.id, person_id=member.person_id, company_id=company.id,
                created_at=now, last_used_at=now, expires_at=now + GRACE, user_agent=word,
            )
        )  # fmt: skip
        await control.execute(
            insert(one_time_token).values(
                token_hash=member.id.bytes, purpose="invitation", email=email, person_id=member.person_id,
                company_id=company.id, payload={"name": word}, created_at=now, expires_at=now + GRACE,
            )
        )  # fmt: skip
        letter = Letter(subject=f"Hello from {word}", paragraphs=(word,))
        mails = [
            Outgoing(letter, email, "en", key=f"security:{member.id}"),
            Outgoing(letter, f"{word.lower()}@customer.example", "en", key=f"report:{company.ref.schema}:1"),
        ]
        await post(control, mails, sender="Kedang <a@x.example>", now=now)
        await enqueue(control, NewJob("opening.open_company", {"company": str(company.id), "word": word}))
        await control.fetch(
            "INSERT INTO work.lane (tenant, served_at) VALUES ($1, now())", company.ref.schema
        )
        await control.fetch("INSERT INTO work.occurrence VALUES ('rule', $1, now())", company.ref.schema)
    async with databases.owner() as connection:
        await connection.execute("ANALYZE platform.person, platform.company, platform.mail, work.job")
    client = redis.Redis.from_url(redis_url)
    client.set(f"kedang:bucket:{member.id}", word)
    client.close()


async def traces(url, company, files, redis_url):
    """Every place in databases, Valkey and folders where the company is still named."""
    word = company.name.removesuffix(" Ltd")
    names = [company.id.hex, str(company.id), company.ref.schema, word, word.lower()]
    found = []
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('information_schema', 'pg_toast')"
        )
        assert len(tables) > 100
        for table in tables:
            sql = f"SELECT count(*) FROM {table['name']} AS t WHERE t::text LIKE ANY($1::text[])"
            if await connection.fetchval(sql, [f"%{name}%" for name in names]):
                found.append(table["name"])
    finally:
        await connection.close()
    client = redis.Redis.from_url(redis_url)
    found += [key for key in client.scan_iter() if word.encode() in (client.get(key) or b"")]
    client.close()
    found += [path for path in files._folder.rglob("*") if any(name in str(path) for name in names)]
    return found


async def due(databases, files, caches, clock):
    return [company.name for company in await delete_due(databases, files=files, caches=caches, clock=clock)]


async def test_nothing_of_it_is_found_anywhere(
    elsewhere, elsewhere_url, planted, files, clock, work_redis_url
):
    gone, stays = planted
    before = await traces(elsewhere_url, gone, files, work_redis_url)
    assert {
        "platform.company",
        "platform.person",
        "platform.mail",
        "work.job",
        "work.lane",
        "pg_authid",
        "pg_statistic",
    } <= {place for place in before if isinstance(place, str)}
    assert {type(place) for place in before} > {str, bytes}
    owner = await viewer_of(elsewhere, await owner_of(elsewhere, gone))
    await delete_company(elsewhere, owner, confirm_name=gone.name, grace=GRACE, clock=clock)
    caches = ValkeyCaches(work_redis_url)
    assert await due(elsewhere, files, caches, clock) == []
    clock.move(GRACE)
    assert await due(elsewhere, files, caches, clock) == [gone.name]
    assert await traces(elsewhere_url, gone, files, work_redis_url) == []
    assert await due(elsewhere, files, caches, clock) == []
    left = await traces(elsewhere_url, stays, files, work_redis_url)
    assert {"platform.company", "platform.person", "platform.mail", "work.job", "work.lane"} <= set(left)
    async with elsewhere.tenant_read(stays.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM customer") == 1


class Breaking:
    """A worker that dies at a certain step of the deletion."""

    def __init__(self, files, step):
        self.files, self.step = files, step

    async def forget(self, credentials, company_id):
        if self.step == "caches":
            raise ConnectionError
        assert len(credentials) == 2
        assert isinstance(company_id, UUID)

    async def delete_all(self, company):
        await self.files.delete_all(company)
        if self.step == "files":
            raise ConnectionError


@pytest.mark.parametrize("step", ["caches", "files"])
async def test_a_worker_that_dies_on_the_way_is_made_up_for(
    elsewhere, elsewhere_url, planted, files, clock, work_redis_url, step
):
    gone, _ = planted
    owner = await viewer_of(elsewhere, await owner_of(elsewhere, gone))
    await delete_company(elsewhere, owner, confirm_name=gone.name, grace=timedelta(0), clock=clock)
    breaking = Breaking(files, step)
    with pytest.raises(ConnectionError):
        await delete_due(elsewhere, files=breaking, caches=breaking, clock=clock)
    async with elsewhere.control_read() as read:
        assert (await find_company(read, company_id=gone.id)).status == "deleting"
    assert await due(elsewhere, files, ValkeyCaches(work_redis_url), clock) == [gone.name]
    left = await traces(elsewhere_url, gone, files, work_redis_url)
    # Which credentials there were is known only to the first try; what Valkey holds of them ends by itself.
    assert [place for place in left if not isinstance(place, bytes)] == []


async def test_the_owner_types_the_name_and_can_take_it_back(elsewhere, planted, files, clock):
    gone, _ = planted
    member = await owner_of(elsewhere, gone)
    owner = await viewer_of(elsewhere, member)
    for wrong in ("", "Stays Ltd", gone.name.lower()):
        with pytest.raises(NameNotConfirmed):
            await delete_company(elsewhere, owner, confirm_name=wrong, grace=GRACE, clock=clock)
    with pytest.raises(CompanyNotDeleting):
        await keep_company(elsewhere, owner, clock=clock)
    asked = await delete_company(elsewhere, owner, confirm_name=f" {gone.name} ", grace=GRACE, clock=clock)
    assert asked.due_at == clock.now() + GRACE
    assert (asked.company_id, asked.requested_by) == (gone.id, member.id)
    clock.move(timedelta(days=29))
    again = await delete_company(elsewhere, owner, confirm_name=gone.name, grace=GRACE, clock=clock)
    assert again == asked
    kept = await keep_company(elsewhere, owner, clock=clock)
    assert kept.status == "active"
    clock.move(GRACE)
    assert await due(elsewhere, files, None, clock) == []
    async with elsewhere.tenant_read(gone.ref) as read:
        rows = await read.fetch("SELECT action FROM audit WHERE record = 'company' ORDER BY sequence")
    assert [row["action"] for row in rows] == [
        "company.deletion_requested",
        "company.deletion_requested",
        "company.deletion_taken_back",
    ]


async def owner_of(databases, company):
    async with databases.control_read() as read:
        row = await read.fetchrow(
            "SELECT member_id, person_id FROM platform.membership WHERE company_id = $1", company.id
        )
    return TestMember(row["member_id"], row["person_id"], company)


async def test_invoices_stay_without_the_address_they_were_mailed_to(elsewhere, planted, files, clock):
    gone, _ = planted
    owner = await viewer_of(elsewhere, await owner_of(elsewhere, gone))
    line = Line("Seats", {}, 1, 4_900, None, Fraction(1), 4_900)
    async with elsewhere.control() as control:
        await control.fetch(
            "INSERT INTO platform.billing_details (company_id, title, email, updated_by, updated_at) VALUES ($1, $2, $3, $1, now())",
            gone.id,
            "Northwind Ltd",
            "money@northwind.example",
        )
        await issue(
            control,
            billing=Billing.of(elsewhere.settings),
            company_id=gone.id,
            kind="invoice",
            currency="CNY",
            lines=[line],
            due_at=clock.now() + GRACE,
            purpose="addition",
            now=clock.now(),
        )
    await delete_company(elsewhere, owner, confirm_name=gone.name, grace=timedelta(0), clock=clock)
    assert await due(elsewhere, files, None, clock) == [gone.name]
    async with elsewhere.control_read() as read:
        (row,) = await read.fetch(
            "SELECT buyer::text AS buyer, net FROM platform.invoice WHERE company_id = $1", gone.id
        )
    assert row["net"] == 4_900
    assert "Northwind Ltd" in row["buyer"]
    assert "money@northwind.example" not in row["buyer"]


async def test_what_others_have_with_its_people_stays(elsewhere, planted, files, clock):
    """A person whom another company asks in at that very moment, and what it wrote to its customers, stay."""
    gone, stays = planted
    member = await owner_of(elsewhere, gone)
    owner = await viewer_of(elsewhere, member)
    now = datetime.now(UTC)
    async with elsewhere.control() as control:
        email = await control.fetchval("SELECT email FROM platform.person WHERE id = $1", member.person_id)
        survey = Outgoing(
            Letter(subject="How was it?", paragraphs=()), email, "en", f"survey:{stays.ref.schema}:1"
        )
        await post(control, [survey], sender="Kedang <a@x.example>", now=now)
    await delete_company(elsewhere, owner, confirm_name=gone.name, grace=timedelta(0), clock=clock)
    async with elsewhere.control() as asking:
        await asking.fetch(
            "INSERT INTO platform.membership (company_id, person_id, member_id, seat, state, created_at)"
            " VALUES ($1, $2, $2, 'none', 'invited', now())",
            stays.id,
            member.person_id,
        )
        removing = asyncio.create_task(due(elsewhere, files, None, clock))
        async with elsewhere.owner() as watching:
            while not await watching.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
                " AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
            ):
                assert not removing.done()
                await asyncio.sleep(0.02)
    assert await removing == [gone.name]
    async with elsewhere.control_read() as read:
        left = await read.fetch(
            "SELECT company_id FROM platform.membership WHERE person_id = $1", member.person_id
        )
        mails = await read.fetch("SELECT key FROM platform.mail WHERE recipient = $1", email)
    assert [row["company_id"] for row in left] == [stays.id]
    assert survey.key in [row["key"] for row in mails]
