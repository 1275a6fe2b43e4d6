"""Reports that wait for an account manager who has left go to the successor, or to whoever stands there then (F5, A12)."""

import pytest

from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.dailies.submitting import submit_report
from tests.dailies.support import MONDAY, contact, do, make, row, told

pytestmark = pytest.mark.requirement("F5")


@pytest.fixture
async def daily(shop, people, customer):
    await contact(shop, customer, people["Nancy"])
    report = await make(shop, people["Nancy"])
    await do(shop, submit_report, people["Nancy"], report_id=report)
    assert (await row(shop, "daily_report", report))["recipient_id"] == people["Janet"]
    return report


async def leave(shop, member):
    await shop.change(Change("member", "update", member, values={"state": "SUSPENDED"}), internally=True)


async def day_begins(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("dailies.day", {"date": MONDAY.isoformat()}))
    await shop.work()


async def test_without_a_successor_it_goes_to_the_next_superior_who_is_told(shop, people, daily):
    await day_begins(shop)
    assert (await row(shop, "daily_report", daily))["recipient_id"] == people["Janet"]
    await leave(shop, people["Janet"])
    await day_begins(shop)
    found = await row(shop, "daily_report", daily)
    assert (found["recipient_id"], found["manager_id"]) == (people["Steven"], people["Steven"])
    assert (await told(shop, "DAILY_REPORT"))[1:] == [
        (people["Steven"], "Daily report of Nancy, 2026-03-02", "Customers: 1. Urgent: 0.")
    ]
    version = found["version"]
    await day_begins(shop)
    assert (await row(shop, "daily_report", daily))["version"] == version


async def test_the_next_account_manager_gathers_it(shop, people, customer, daily):
    robert = await shop.hire("Robert", "ACCOUNT_MANAGER", superior_id=people["Steven"])
    await leave(shop, people["Janet"])
    await shop.update("member", people["Nancy"], superior_id=robert)
    await day_begins(shop)
    assert (await row(shop, "daily_report", daily))["recipient_id"] == robert
    await contact(shop, customer, robert)
    visits = await make(shop, robert)
    await do(shop, submit_report, robert, report_id=visits)
    assert (await row(shop, "daily_report", daily))["gathered_in_id"] == visits


async def test_what_was_gathered_or_went_to_the_manager_stays_where_it_is(shop, people, customer, daily):
    janet, steven = people["Janet"], people["Steven"]
    await contact(shop, customer, janet)
    visits = await make(shop, janet)
    await do(shop, submit_report, janet, report_id=visits)
    for leaver in (janet, steven):
        await leave(shop, leaver)
    await day_begins(shop)
    assert (await row(shop, "daily_report", daily))["recipient_id"] == janet
    assert (await row(shop, "daily_report", visits))["recipient_id"] == steven
