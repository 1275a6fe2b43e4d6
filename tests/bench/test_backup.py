"""A backup of an installation with many companies, and one of them brought back beside itself."""

import asyncio
import os
import time
from datetime import UTC, datetime

import pytest

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.clock import SystemClock
from kedang_platform.database import urls_of
from kedang_platform.database.provision import provision
from kedang_platform.embedded import silent
from kedang_platform.licensing.seats import subscribe
from kedang_platform.secrets import load_secret_key
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from kedang_workers.beside import restore_beside
from kedang_workers.beside.restoring import Wanted
from tests.backup.conftest import folder, installation
from tests.support.database import make_company
from tests.support.members import make_member

__all__ = ["folder", "installation"]
pytestmark = [pytest.mark.bench, pytest.mark.requirement("O4")]

COMPANIES = int(os.environ.get("BENCH_COMPANIES", "200"))
CUSTOMERS = 5_000


async def test_one_company_among_two_hundred_is_back_within_a_minute(installation):
    living = installation()
    settings = living.settings
    await provision(living.running.database_url, secret=load_secret_key(settings), settings=settings)
    await living.receive()
    async with living.databases() as databases:
        await migrate(databases)
        await build_spares(databases, count=COMPANIES)
        companies = [await make_company(databases, name=f"Company {number}") for number in range(COMPANIES)]
        chosen = companies[COMPANIES // 2]
        async with databases.control() as control:
            await subscribe(control, company_id=chosen.id, free_seats=2, now=datetime.now(UTC))
        await make_member(databases, chosen, "OWNER")
        await customers(databases, chosen, CUSTOMERS)
        await living.execute("CHECKPOINT")

        began = time.perf_counter()
        taken = await asyncio.to_thread(asyncio.run, living.save())
        saving = time.perf_counter() - began
        await customers(databases, chosen, 500)
    await living.received()

    began = time.perf_counter()
    done = await asyncio.to_thread(
        restore_beside,
        living.named,
        living.archive,
        Wanted(chosen.name),
        urls=urls_of(living.named),
        clock=SystemClock(),
        echo=silent,
    )
    restoring = time.perf_counter() - began
    async with living.databases() as databases:
        (row,) = await living.execute(
            "SELECT schema_name FROM platform.company WHERE id = $1", done.company_id
        )
        (found,) = await living.execute(f'SELECT count(*) FROM "{row["schema_name"]}".customer')
    assert found["count"] == CUSTOMERS + 500
    print(
        f"\n{COMPANIES} companies, {taken.base.size / 1e6:.0f} MB of data in a base of {taken.bytes / 1e6:.0f} MB:"
        f" backup with its proof {saving:.1f} s, one company beside itself {restoring:.1f} s"
    )


async def customers(databases, company, count):
    for first in range(0, count, 1000):
        async with databases.tenant_write(company.ref) as write:
            viewer = await system_viewer(write, company=company)
            changes = [
                Change("customer", "create", values={"name": f"Customer {datetime.now(UTC)} {number}"})
                for number in range(first, min(first + 1000, count))
            ]
            await change_internally(write, viewer, changes, clock=SystemClock())
