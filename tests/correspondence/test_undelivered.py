"""Whoever looks after a customer hears that mails do not arrive there (T10)."""

import orjson
import pytest

from kedang_platform.ids import new_id
from kedang_tenants.correspondence.suppressing import note_report

MARIA = "maria@alfreds.example"


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


async def came_back(shop, address=MARIA, kind="HARD"):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await note_report(
            write,
            await shop.product(),
            mail_id=new_id(),
            address=address,
            report=kind,
            said="5.1.1 unknown",
            clock=shop.clock,
        )
    await shop.work()


async def told(shop):
    rows = await shop.fetch("SELECT member_id, about, title FROM notice WHERE kind = 'MAIL_UNDELIVERABLE'")
    return [(row["member_id"], row["about"], orjson.loads(row["title"])["en"]) for row in rows]


@pytest.mark.requirement("T10", "V3")
async def test_the_owner_is_told_once_of_each_contact(shop, nancy):
    alfreds = await shop.create("customer", name="Alfreds Futterkiste", owner_id=nancy)
    maria = await shop.create("contact", customer_id=alfreds, name="Maria Anders", email=MARIA)
    nobody = await shop.create("customer", name="Nobody's", owner_id=None)
    await shop.create("contact", customer_id=nobody, name="Maria", email=MARIA)
    await came_back(shop, kind="DELAYED")
    assert await told(shop) == []
    await came_back(shop)
    await came_back(shop)
    expected = (nancy, f"con_{maria.hex}", "Mails to Maria Anders (Alfreds Futterkiste) do not arrive")
    assert await told(shop) == [expected]


async def test_nobody_is_told_of_what_somebody_suppressed_by_hand_or_what_is_closed_to_them(shop, nancy):
    alfreds = await shop.create("customer", name="Alfreds Futterkiste", owner_id=nancy)
    await shop.create("contact", customer_id=alfreds, name="Maria Anders", email=MARIA)
    await shop.create("mail_suppression", address=MARIA)
    await shop.work()
    closed = await shop.create("customer", name="Closed", owner_id=nancy, restricted=True, internally=True)
    await shop.create("contact", customer_id=closed, name="X", email="x@closed.example")
    await came_back(shop, "x@closed.example")
    assert await shop.value("SELECT count(*) FROM mail_suppression") == 2
    assert await told(shop) == []
