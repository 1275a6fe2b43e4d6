"""Erasing a person takes their address out of the list and leaves that nothing is sent to it (T7, T10)."""

import pytest

from kedang_tenants.protection.erasing import start_erasure
from kedang_tenants.protection.subjects import Person
from tests.correspondence.test_returned import MARIA, report, state, write


@pytest.mark.requirement("T7", "T10")
async def test_an_erased_address_stays_suppressed_and_is_nowhere_to_be_read(shop):
    customer = await shop.create("customer", name="Alfreds")
    contact = await shop.create("contact", customer_id=customer, name="Maria Anders", email=MARIA)
    await write(shop, "survey:1")
    await shop.work()
    await report(shop, "survey:1", "HARD", f"5.1.1 <{MARIA}>: unknown")
    async with shop.databases.tenant_write(shop.company.ref) as tenant:
        await start_erasure(tenant, shop.viewer, person=Person("contact", contact), clock=shop.clock)
    await shop.work()
    rows = await shop.fetch("SELECT row_to_json(s)::text AS row FROM mail_suppression s")
    rows += await shop.fetch("SELECT row_to_json(b)::text AS row FROM mail_bounce b")
    assert len(rows) == 2
    assert not [row for row in rows if MARIA in row["row"]]
    await write(shop, "survey:2")
    await shop.work()
    assert await state(shop, "survey:2") == "suppressed"
