"""What sends a survey out by itself beside requests and deliveries: orders, maintenance; after a delay, by kinds."""

from datetime import date, timedelta

import pytest

from kedang_platform.errors import Refused
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.surveys.entering import Asked, enter_answer
from kedang_tenants.surveys.entries import Entry
from tests.support.surveying import closed, customer_with_mail, delivered, later, opened, survey
from tests.surveys.test_dispatch import MARIA

TODAY = date(2026, 3, 2)


async def owned(shop, customer, **values):
    return await shop.create(
        "owned_product",
        **{
            "customer_id": customer,
            "model": "Pump 7",
            "serial_number": "S-1",
            "installed_on": date(2025, 3, 2),
            "maintenance_months": 12,
            **values,
        },
    )


async def look(shop):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("surveys.maintenance"))
    await shop.work()


@pytest.mark.requirement("V3")
async def test_an_order_asks_after_its_delay_unless_it_was_cancelled(shop):
    asked = await survey(shop, "AFTER_SALE", trigger="ORDER_PLACED", delay_days=10, cooldown_days=0)
    customer, contact = await customer_with_mail(shop)
    kept = await shop.order(customer, TODAY, ("1", "10"))
    cancelled = await shop.order(customer, TODAY, ("1", "10"))
    await shop.order(customer, date(2026, 2, 12), ("1", "10"))
    old = await shop.order(customer, date(1997, 5, 1), ("1", "10"))
    await shop.work()
    await later(shop, days=9, hours=23)
    assert await asked.invitations() == []
    await shop.update("order", cancelled, state="CANCELLED")
    await later(shop, hours=1)
    row = await asked.invitation()
    assert (row["contact_id"], row["subject"]) == (contact, f"ord_{kept.hex}")
    assert old != kept
    (mail,) = shop.mails_to(MARIA)
    assert f"you have ordered from us ({kept.hex}). How satisfied are you?" in mail.text


@pytest.mark.requirement("V3")
async def test_the_delay_counts_from_what_happened_not_from_when_it_was_heard_of(shop):
    """The workers were away for two days when the order was placed."""
    asked = await survey(shop, "AFTER_SALE", trigger="ORDER_PLACED", delay_days=3, cooldown_days=0)
    customer, _ = await customer_with_mail(shop)
    await shop.work()
    await shop.order(customer, TODAY, ("1", "10"))
    await later(shop, days=2)
    await later(shop, hours=23)
    assert await asked.invitations() == []
    await later(shop, hours=1)
    assert (await asked.invitation())["due_at"] == shop.clock.now()


@pytest.mark.requirement("V3")
async def test_a_delivery_asks_days_later_and_each_questionnaire_after_its_own_delay(shop):
    asked = await survey(shop, "AFTER_SALE", delay_days=30, cooldown_days=0, expires_after_days=60)
    customer, _ = await customer_with_mail(shop)
    await delivered(shop, customer, delivered_on=TODAY)
    await delivered(shop, customer, delivered_on=date(2026, 2, 1))
    await shop.work()
    await later(shop, days=29)
    assert await asked.invitations() == []
    await later(shop, days=1)
    assert (await asked.invitation())["due_at"] == shop.clock.now()


@pytest.mark.requirement("V3")
async def test_only_the_kinds_of_requests_that_are_named_ask(shop):
    asked = await survey(shop, "AFTER_SERVICE", cooldown_days=0, request_kinds=["REPAIR", "MAINTENANCE"])
    customer, contact = await customer_with_mail(shop)
    told = {}
    for kind in ("REPAIR", "COMPLAINT", "MAINTENANCE"):
        told[kind] = await closed(shop, await opened(shop, customer, contact_id=contact, kind=kind))
    await shop.work()
    subjects = {row["subject"] for row in await asked.invitations()}
    assert subjects == {f"srq_{told['REPAIR'].hex}", f"srq_{told['MAINTENANCE'].hex}"}
    await asked.set(request_kinds=[])
    last = await closed(shop, await opened(shop, customer, contact_id=contact, kind="COMPLAINT"))
    await shop.work()
    assert f"srq_{last.hex}" in {row["subject"] for row in await asked.invitations()}


@pytest.mark.requirement("V3", "P5")
async def test_a_maintenance_visit_asks_once_a_day_on_which_a_product_was_serviced(shop):
    asked = await survey(shop, "AFTER_SERVICE", trigger="MAINTENANCE_DONE", cooldown_days=0)
    customer, _ = await customer_with_mail(shop)
    product = await owned(shop, customer)
    await shop.work()
    assert await asked.invitations() == []
    for day in (TODAY, TODAY, date(2026, 1, 1)):
        await shop.create(
            "repair_record",
            customer_id=customer,
            owned_product_id=product,
            fault="None",
            work_done="Oil changed",
            repaired_on=day,
            maintained=True,
        )
        await shop.work()
    row = await asked.invitation()
    assert row["subject"] == f"opr_{product.hex}"
    (mail,) = shop.mails_to(MARIA)
    assert "we have maintained your product (Pump 7 S-1). How was it?" in mail.text


@pytest.mark.requirement("V3", "P5")
async def test_a_product_whose_maintenance_is_due_asks_once_a_due_day(shop):
    asked = await survey(shop, "AFTER_SERVICE", trigger="MAINTENANCE_DUE", cooldown_days=0)
    customer, _ = await customer_with_mail(shop)
    due = await owned(shop, customer)
    await owned(shop, customer, serial_number="S-2", installed_on=date(2025, 3, 3))
    await owned(shop, customer, serial_number="S-3", installed_on=date(2025, 2, 1))
    await owned(shop, customer, serial_number="S-4", retired_on=TODAY)
    await look(shop)
    assert (await asked.invitation())["subject"] == f"opr_{due.hex}"
    await look(shop)
    await asked.invitation()
    shop.clock.move(timedelta(days=1))
    await look(shop)
    assert len(await asked.invitations()) == 2


@pytest.mark.requirement("V3", "V5", "V7")
async def test_a_mystery_visit_is_entered_by_its_visitor_and_told_nobody(shop):
    asked = await survey(shop, "ON_VISIT", trigger="MYSTERY_VISIT")
    customer, contact = await customer_with_mail(shop)
    item = (await asked.items())["price_value"]["id"]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enter_answer(
            write,
            shop.viewer,
            asked=Asked(questionnaire_id=asked.id, customer_id=customer, contact_id=contact),
            entries=[Entry(item, {"level": "NOT_SATISFIED"})],
            clock=shop.clock,
        )
    await shop.work()
    row = await asked.invitation()
    assert (row["channel"], row["state"], row["sent_at"]) == ("MYSTERY_VISIT", "ANSWERED", None)
    answers = await shop.fetch("SELECT unhappy, request_id FROM survey_answer")
    assert answers == [{"unhappy": True, "request_id": None}]
    assert await shop.fetch("SELECT 1 FROM service_request") == []
    assert shop.mails_to(MARIA) == []


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    "values", [{"delay_days": 366}, {"reminders_at_most": 0}, {"request_kinds": ["NONE"]}]
)
async def test_what_no_questionnaire_can_have_is_refused(shop, values):
    asked = await survey(shop)
    before = await shop.fetch("SELECT * FROM questionnaire ORDER BY id")
    with pytest.raises(Refused):
        await asked.set(**values)
    assert await shop.fetch("SELECT * FROM questionnaire ORDER BY id") == before
