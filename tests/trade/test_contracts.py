"""Contracts: what holds in every write, their life, and who is told when one ends."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.trade import contract_life
from kedang_tenants.trade.contract_life import NotEndedYet, WrongContractState
from kedang_tenants.trade.contract_rules import notice_day
from kedang_tenants.trade.dues import CONTRACT_ENDS

TODAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("P4")


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def customer(shop, davolio):
    return await shop.create("customer", name="Alfreds Futterkiste", owner_id=davolio)


async def step(shop, verb, contract, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        acting = viewer or shop.viewer
        await verb(write, acting, contract_id=contract, clock=shop.clock, **said)


async def row(shop, contract):
    (found,) = await shop.fetch("SELECT * FROM contract WHERE id = $1", contract)
    return found


async def due(shop, day):
    """What the digest of a day knows of contracts: who, by when, what."""
    async with shop.databases.tenant_read(shop.company.ref) as read:
        rows = await read.fetch(CONTRACT_ENDS.select, day)
    return [(member, due_on, subject) for member, _, _, due_on, subject, *_ in rows]


async def test_a_contract_is_signed_and_told_of_before_its_notice_is_due(shop, davolio, customer):
    draft = await shop.create(
        "contract", number="C-1", title="Supply", customer_id=customer, amount=100_00,
        starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31), notice_days=90,
    )  # fmt: skip
    found = await row(shop, draft)
    assert (found["state"], found["currency"], found["notice_on"]) == ("DRAFT", "USD", date(2026, 12, 31))
    assert await due(shop, date(2026, 12, 31)) == []  # a draft binds nobody
    await step(shop, contract_life.sign, draft)
    found = await row(shop, draft)
    assert (found["state"], found["signed_on"], found["starts_on"]) == ("IN_FORCE", TODAY, date(2026, 4, 1))
    assert await due(shop, date(2026, 12, 23)) == []
    assert await due(shop, date(2026, 12, 24)) == [
        (davolio, date(2026, 12, 31), '"C-1 Supply (2026-04-01 – 2027-03-31)"')
    ]
    fuller = await shop.hire("Andrew", "REPRESENTATIVE")
    await shop.update("contract", draft, owner_id=fuller)
    assert await due(shop, date(2026, 12, 24)) == [
        (fuller, date(2026, 12, 31), '"C-1 Supply (2026-04-01 – 2027-03-31)"')
    ]
    await shop.update("contract", draft, ends_on=date(2028, 3, 31))  # renewed
    assert await due(shop, date(2026, 12, 31)) == []


async def test_what_does_not_fit_is_refused_and_nothing_changes(shop, customer):
    other = await shop.create("customer", name="Rival")
    order = await shop.create("order", number="1", customer_id=other, ordered_on=TODAY, currency="USD")
    start = date(2026, 4, 1)
    for values, told in (
        ({"starts_on": start, "ends_on": start - timedelta(days=1)}, [("ENDS_BEFORE_IT_STARTS", "endsOn")]),
        ({"notice_days": -1}, [("OUT_OF_RANGE", "noticeDays")]),
        ({"amount": -1}, [("OUT_OF_RANGE", "amount")]),
        ({"state": "IN_FORCE"}, [("REQUIRED", "signedOn"), ("REQUIRED", "startsOn")]),
        ({"order_id": order}, [("OF_ANOTHER_CUSTOMER", "orderId")]),
    ):
        with pytest.raises(Refused) as refused:
            await shop.create("contract", number="C-1", title="Supply", customer_id=customer, **values)
        assert [(e.code, e.path[-1]) for e in refused.value.errors] == told
    assert await shop.value("SELECT count(*) FROM contract") == 0


async def test_a_contract_ends_by_its_day_or_is_terminated_with_a_reason(shop, customer):
    begun = {"signed_on": TODAY, "starts_on": TODAY, "state": "IN_FORCE", "customer_id": customer}
    tomorrow = TODAY + timedelta(days=1)
    one = await shop.create("contract", number="C-1", title="A", ends_on=TODAY, **begun)
    two = await shop.create("contract", number="C-2", title="B", **begun)
    before = [await row(shop, one), await row(shop, two)]
    for contract in (one, two):
        with pytest.raises(NotEndedYet):
            await step(shop, contract_life.end, contract)
    with pytest.raises(WrongContractState):
        await step(shop, contract_life.sign, one)
    with pytest.raises(Refused):
        await step(shop, contract_life.terminate, two, reason=" ")
    with pytest.raises(Refused):
        await step(shop, contract_life.terminate, two, reason="x", terminated_on=TODAY - timedelta(days=1))
    with pytest.raises(Refused) as refused:  # it ends today by itself
        await step(shop, contract_life.terminate, one, reason="x", terminated_on=tomorrow)
    assert [error.code for error in refused.value.errors] == ["AFTER_THE_END"]
    assert [await row(shop, one), await row(shop, two)] == before
    shop.clock.move(timedelta(days=1))
    await step(shop, contract_life.end, one)
    await step(shop, contract_life.terminate, two, reason="Insolvent")
    assert (await row(shop, one))["state"] == "ENDED"
    found = await row(shop, two)
    assert (found["state"], found["terminated_on"], found["termination_reason"]) == (
        "TERMINATED", tomorrow, "Insolvent",
    )  # fmt: skip
    with pytest.raises(WrongContractState):
        await step(shop, contract_life.terminate, two, reason="again")


@pytest.mark.requirement("A11")
async def test_only_whose_customer_it_is_moves_a_contract(shop, davolio, customer):
    contract = await shop.create("contract", number="C-1", title="A", customer_id=customer)
    fuller = await shop.hire("Andrew", "REPRESENTATIVE")
    agent = await shop.hire("Laura", "SERVICE_AGENT")
    with pytest.raises(NotFound):
        await step(shop, contract_life.sign, contract, await shop.as_member(fuller))
    with pytest.raises(Forbidden):
        await step(shop, contract_life.sign, contract, await shop.as_member(agent))
    assert (await row(shop, contract))["state"] == "DRAFT"
    await step(shop, contract_life.sign, contract, await shop.as_member(davolio))
    assert (await row(shop, contract))["state"] == "IN_FORCE"


@given(ends=st.dates(), days=st.none() | st.integers(0, 3650))
def test_the_day_for_a_notice_is_never_after_the_end(ends, days):
    found = notice_day(ends, days)
    assert found is not None
    assert found == ends or (ends - found).days == days
    assert notice_day(None, days) is None
