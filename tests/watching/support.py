"""Nights of the watch list, and what they have left behind."""

from datetime import date, timedelta

import orjson

from kedang_platform.work import NewJob, enqueue
from kedang_tenants.reports.dashboard import Dashboard
from kedang_tenants.reports.gathering import Question, Reader
from kedang_tenants.reports.schedule import Span
from kedang_tenants.rules import establish

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


async def night(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("watching.nightly", {}))
    await shop.work()


async def rule(shop, **content):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind="watching", content=content, clock=shop.clock)


async def entries(shop):
    """Name, side, all reasons and when it ended, of every entry."""
    rows = await shop.fetch(
        "SELECT c.name, w.side, w.reasons || coalesce(w.withheld, '{}') AS reasons, w.ended_on"
        " FROM watch_entry w JOIN customer c ON c.id = w.customer_id ORDER BY w.side, c.name, w.id"
    )
    return [(row["name"], row["side"], orjson.loads(row["reasons"]), row["ended_on"]) for row in rows]


async def checks(shop):
    return await shop.fetch(
        "SELECT p.owner_id, p.due_on, p.state, p.rule->>'en' AS why, c.name FROM follow_up_plan p"
        " JOIN customer c ON c.id = p.customer_id WHERE p.origin = 'CHECK' ORDER BY c.name"
    )


async def told(shop):
    return await shop.fetch(
        "SELECT member_id, title->>'en' AS title, body->>'en' AS body FROM notice WHERE kind = 'WATCH_LIST' ORDER BY id"
    )


async def bought(shop, customer, *orders):
    for days, amount in orders:
        await shop.order(customer, MONDAY - days * DAY, ("1", str(amount)))


async def reported(shop, member):
    reader = Reader(await shop.as_member(member), "en", "", "")
    asked = Question("WATCH_LIST", Span(MONDAY - 7 * DAY, MONDAY + DAY))
    found = await Dashboard(shop.databases, shop.clock).figures(asked, reader, oldest=timedelta(0))
    return {sheet.title: found.rows_of(sheet) for sheet in found.document.sheets}
