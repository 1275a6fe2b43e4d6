"""What people do with daily reports in tests, and what comes of it."""

from datetime import UTC, date, datetime

from kedang_platform.work import NewJob, enqueue
from kedang_tenants.dailies.making import make_report
from kedang_tenants.dailies.reporting import NewEmergency, report_emergency
from kedang_tenants.dailies.submitting import submit_report

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # in New York


async def contact(shop, customer, member, at=NOON, **values):
    values = {"way": "VISIT", "content": "Showed the catalogue", "result": "An order is likely"} | values
    return await shop.create("follow_up_record", customer_id=customer, member_id=member, at=at, **values)


async def do(shop, verb, member, **said):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await verb(write, viewer, clock=shop.clock, **said)


async def make(shop, member, day=None):
    return await do(shop, make_report, member, day=day)


async def emergency(shop, member, **said):
    viewer = await shop.as_member(member)
    new = NewEmergency(**({"kind": "OTHER", "subject": "Strike", "content": "The port is closed"} | said))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await report_emergency(write, viewer, new, clock=shop.clock)


async def cards(shop, report):
    return await shop.fetch(
        "SELECT * FROM daily_report_card WHERE report_id = $1 AND archived_at IS NULL ORDER BY at, id", report
    )


async def row(shop, table, record_id):
    (found,) = await shop.fetch(f"SELECT * FROM {table} WHERE id = $1", record_id)
    return found


async def told(shop, kind):
    notices = await shop.fetch(
        "SELECT member_id, title->>'en' AS title, body->>'en' AS body FROM notice WHERE kind = $1 ORDER BY id",
        kind,
    )
    return [(one["member_id"], one["title"], one["body"]) for one in notices]


async def due(shop, source):
    arguments = (MONDAY, shop.clock.now(), "America/New_York")
    used = [value for n, value in enumerate(arguments, 1) if f"${n}" in source.select]
    sql = source.select
    for place, number in enumerate([n for n in (1, 2, 3) if f"${n}" in source.select], 1):
        sql = sql.replace(f"${number}", f"${place}")
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return [(found[0], found[1], found[3]) for found in await read.fetch(sql, *used)]


async def evening(shop, day=MONDAY):
    """What the day begins with, and what it asks for in the evening."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("dailies.day", {"date": day.isoformat()}))
    await shop.work()


async def urgent_card(shop, people, customer, *, urgent="one"):
    """Nancy's report with one urgent card, or only such, submitted; and the first of these."""
    await contact(shop, customer, people["Nancy"], problems="Two pumps leak")
    report = await make(shop, people["Nancy"])
    found = [card["id"] for card in await cards(shop, report)]
    for card in found if urgent == "all" else found[:1]:
        await shop.update(
            "daily_report_card", card, viewer=await shop.as_member(people["Nancy"]), urgent=True
        )
    await do(shop, submit_report, people["Nancy"], report_id=report)
    return report, found[0]
