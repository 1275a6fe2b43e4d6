"""The whole of it at once: saved under writes, killed, brought back as of an instant, one company beside itself."""

import asyncio
from datetime import UTC, datetime

import psutil
import pytest

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.backups import restore
from kedang_platform.clock import SystemClock
from kedang_platform.database import urls_of
from kedang_platform.database.provision import provision
from kedang_platform.embedded import silent
from kedang_platform.files import LocalFiles
from kedang_platform.licensing.seats import seats_of, subscribe
from kedang_platform.registry import find_company, recurring_companies
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.beside import restore_beside
from kedang_workers.beside.restoring import Wanted
from tests.embedded.support import until
from tests.support.database import make_company
from tests.support.digests import PLATFORM, digests
from tests.support.members import make_member

# What the restored company itself notes: seats of members, webhooks switched off, and that it was restored.
_ITS_OWN = {"member", "audit", "audit_seal"}


@pytest.mark.requirement("O4")
async def test_saved_under_writes_killed_and_brought_back_whole_and_one_company_beside_itself(
    installation, folder
):
    living = installation()
    await provision(
        living.running.database_url, secret=load_secret_key(living.settings), settings=living.settings
    )
    await living.receive()
    async with living.databases() as databases:
        assert (await migrate(databases)).complete
        await build_spares(databases, count=2)
        company = await make_company(databases)
        other = await make_company(databases, name="Rival & Sons")
        await _people(databases, company)
        stored = await LocalFiles(living.settings.var / "files").put(company.ref, _chunks(b"the contract"))
        writer = asyncio.create_task(_keep_writing(databases, company))
        taken = await asyncio.to_thread(asyncio.run, living.save())
        writer.cancel()
        await _customer(databases, company, "before")
        async with databases.control() as control:
            await enqueue(control, NewJob("mail.send", {}, company=company.ref))
    between = datetime.now(UTC)
    async with living.databases() as databases:
        await _customer(databases, company, "after")
        await LocalFiles(living.settings.var / "files").delete(company.ref, stored.content_id)
    await living.received()

    psutil.Process(living.running.pids["PostgreSQL"]).kill()
    until(lambda: living.running.dead() == ["PostgreSQL"])
    living.running.start(echo=silent)
    await living.receive()

    whole = await asyncio.to_thread(
        restore, living.archive, folder / "restored", to_time=between, fsync=False
    )
    assert (whole.companies, whole.files, whole.secret, whole.at) == (2, 1, True, between)
    assert taken.secret
    again = installation("restored")
    async with again.databases() as databases:
        assert await _named(databases, company) == {"before"}
        as_it_was = await _tables(databases, company.ref)
        async with databases.tenant_read(company.ref) as read:
            begun = await read.fetchval("SELECT count(*) FROM customer WHERE name LIKE 'under way%'")
        assert begun > 0
    again.stop()

    async with living.databases() as databases:
        assert await _named(databases, company) == {"before", "after"}
        untouched = await digests(databases, company.ref, other.ref, besides=PLATFORM)
    done = await asyncio.to_thread(
        restore_beside,
        living.named,
        living.archive,
        Wanted("Northwind Traders", to_time=between),
        urls=urls_of(living.named),
        clock=SystemClock(),
        echo=silent,
    )
    assert done.taken_from == company.id
    assert done.name == f"Northwind Traders ({between:%Y-%m-%d %H:%M})"
    assert done.files == 1
    assert (done.settled.members, done.settled.seats, done.settled.missing) == (3, 2, ())
    async with living.databases() as databases:
        async with databases.control_read() as read:
            restored = await find_company(read, company_id=done.company_id)
            assert restored.status == "active"
            assert restored.handle != company.handle
            assert {one.id for one in await recurring_companies(read)} == {company.id, other.id}
            assert (await seats_of(read, company_id=restored.id)).taken == 2
            kinds = await read.fetch(
                "SELECT DISTINCT kind FROM work.job WHERE tenant = $1", restored.ref.schema
            )
            assert [row["kind"] for row in kinds] == ["events.fan_out"]
        now = await digests(databases, company.ref, other.ref, besides=PLATFORM)
        changed = {table for table in now if now[table] != untouched[table]}
        assert changed <= {"platform.company", "platform.membership"}
        beside = await _tables(databases, restored.ref)
        assert {name: rows for name, rows in beside.items() if name not in _ITS_OWN} == {
            name: rows for name, rows in as_it_was.items() if name not in _ITS_OWN
        }
        async with databases.tenant_read(restored.ref) as read:
            seats = await read.fetch("SELECT name, seat FROM member ORDER BY name")
            assert [tuple(row) for row in seats] == [
                ("Andrew", "FULL"),
                ("Janet", "VIEW_ONLY"),
                ("Nancy", "FULL"),
            ]
            noted = await read.fetchrow("SELECT action, via FROM audit WHERE record = 'company'")
            assert tuple(noted) == ("company.restored", "operator")
            assert await _content(living, restored, stored) == b"the contract"
        await _customer(databases, restored, "it can be worked in")
    leftovers = [path.name for path in living.settings.var.iterdir() if path.name.startswith("restoring-")]
    assert leftovers == []


async def _people(databases, company):
    """An owner who came last, and two members; the company has paid for a third seat."""
    async with databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=3, now=SystemClock().now())
    await make_member(databases, company, "SALES_REPRESENTATIVE", name="Nancy")
    await make_member(databases, company, "SALES_REPRESENTATIVE", name="Janet")
    await make_member(databases, company, "OWNER", name="Andrew")


async def _customer(databases, company, name):
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        change = Change("customer", "create", values={"name": name})
        await change_internally(write, viewer, [change], clock=SystemClock())


async def _keep_writing(databases, company):
    number = 0
    while True:
        number += 1
        await _customer(databases, company, f"under way {number}")


async def _named(databases, company):
    async with databases.tenant_read(company.ref) as read:
        rows = await read.fetch("SELECT name FROM customer WHERE name IN ('before', 'after')")
    return {row["name"] for row in rows}


async def _tables(databases, ref):
    """A digest of each table of a company, by its name without the schema's."""
    found = await digests(databases, ref, besides=())
    return {table.partition('."')[2].rstrip('"'): value for table, value in found.items()}


async def _content(installation, company, stored):
    files = LocalFiles(installation.settings.var / "files")
    return b"".join([piece async for piece in files.open(company.ref, stored.content_id)])


async def _chunks(data):
    yield data
