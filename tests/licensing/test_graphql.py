"""Seats over GraphQL (T3, T4)."""

import re

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.licensing import subscribe
from kedang_platform.licensing.payments import Received
from kedang_tenants.people.seats import confirm_seats
from tests.support.members import make_key, make_member

SUBSCRIPTION = """
{ subscription { free paid pending taken capacity price { currency month year }
                 orders { id reference seats interval unitPrice amount currency state payTo confirmedAt } } }
"""
BUY = """
mutation ($input: BuySeatsInput!) {
  buySeats(input: $input) {
    order { reference seats interval amount currency state } userErrors { path message code }
  }
}
"""
CHANGE = """
mutation ($input: ChangeMemberInput!) {
  changeMember(input: $input) { member { id roles seat } userErrors { path message code } }
}
"""


class Desk:
    def __init__(self, gateway, databases, company):
        self.gateway, self.databases, self.company = gateway, databases, company

    async def as_member(self, *roles, seat="FULL", language=None, scopes=("read", "write")):
        member = await make_member(self.databases, self.company, *roles, seat=seat)
        key = await make_key(self.databases, member, key=self.gateway.services.identity.key, scopes=scopes)
        return member, self.gateway.client(key, language=language)


@pytest.fixture
async def desk(gateway, databases, company):
    async with databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=2, now=SystemClock().now())
    return Desk(gateway, databases, company)


@pytest.mark.requirement("T3", "T4")
async def test_seats_are_bought_confirmed_and_given(desk, databases):
    _, owner = await desk.as_member("OWNER")
    await desk.as_member("REPRESENTATIVE")
    third, _ = await desk.as_member("VIEW_ONLY", seat="VIEW_ONLY")
    public = f"mem_{third.id.hex}"
    promotion = {"input": {"id": public, "roles": ["REPRESENTATIVE"], "seat": "FULL"}}

    refused = (await owner(CHANGE, promotion)).data["changeMember"]
    assert refused == {
        "member": None,
        "userErrors": [
            {
                "path": ["input", "seat"],
                "message": "All 2 seats are taken. Buy a further seat, free one, or choose view-only.",
                "code": "SEAT_REQUIRED",
            }
        ],
    }
    bought = (await owner(BUY, {"input": {"seats": 7, "interval": "YEARLY"}})).data["buySeats"]
    assert bought["userErrors"] == []
    order = bought["order"]
    reference = order.pop("reference")
    assert re.fullmatch(r"KD(-[2-9A-HJKMNP-Z]{3}){3}", reference)
    assert order == {
        "seats": 7,
        "interval": "YEARLY",
        "amount": 343000,
        "currency": "CNY",
        "state": "PENDING",
    }
    await confirm_seats(
        databases,
        received=Received(reference),
        operator="lin",
        settings=databases.settings,
        clock=SystemClock(),
    )
    promoted = (await owner(CHANGE, promotion)).data["changeMember"]
    assert promoted == {
        "member": {"id": public, "roles": ["REPRESENTATIVE"], "seat": "FULL"},
        "userErrors": [],
    }
    told = (await owner(SUBSCRIPTION)).data["subscription"]
    (order,) = told.pop("orders")
    assert told == {
        "free": 2,
        "paid": 7,
        "pending": 0,
        "taken": 3,
        "capacity": 9,
        "price": {"currency": "CNY", "month": 4900, "year": 49000},
    }
    assert (order["reference"], order["state"], order["unitPrice"], order["payTo"]) == (
        reference,
        "PAID",
        49000,
        None,
    )
    assert re.fullmatch(r"sor_[0-9a-f]{32}", order["id"])
    assert order["confirmedAt"] is not None


async def test_pending_seats_are_told_and_count_for_nothing(desk):
    _, owner = await desk.as_member("OWNER")
    await owner(BUY, {"input": {"seats": 2, "interval": "MONTHLY"}})
    told = (await owner(SUBSCRIPTION)).data["subscription"]
    assert (told["pending"], told["paid"], told["capacity"]) == (2, 0, 2)


@pytest.mark.parametrize(
    ("role", "sees"),
    [("GENERAL_MANAGER", True), ("FINANCE", True), ("REPRESENTATIVE", False), ("VIEW_ONLY", False)],
)
async def test_the_policy_of_seats(desk, role, sees):
    member, ask = await desk.as_member(role)
    answer = await ask(SUBSCRIPTION)
    assert answer.codes == ([] if sees else ["FORBIDDEN"])
    bought = (await ask(BUY, {"input": {"seats": 1, "interval": "MONTHLY"}})).data["buySeats"]
    assert bought["order"] is None
    assert [error["code"] for error in bought["userErrors"]] == ["FORBIDDEN"]
    own = {"input": {"id": f"mem_{member.id.hex}", "roles": ["OWNER"]}}
    changed = (await ask(CHANGE, own)).data["changeMember"]
    assert [error["code"] for error in changed["userErrors"]] == ["FORBIDDEN"]
    _, owner = await desk.as_member("OWNER")
    assert (await owner(SUBSCRIPTION)).data["subscription"]["orders"] == []


async def test_keys_that_only_read_and_strangers_buy_nothing(desk, gateway):
    _, reader = await desk.as_member("OWNER", scopes=("read",))
    for client, code in ((reader, "FORBIDDEN"), (gateway.client(), "UNAUTHENTICATED")):
        assert (await client(BUY, {"input": {"seats": 1, "interval": "MONTHLY"}})).codes == [code]
        assert (await client(CHANGE, {"input": {"id": "mem_0", "seat": "FULL"}})).codes == [code]
    assert (await gateway.client()(SUBSCRIPTION)).codes == ["UNAUTHENTICATED"]
    assert (await reader(SUBSCRIPTION)).data["subscription"]["orders"] == []


async def test_wrong_input_is_told_at_its_field(desk):
    owner, ask = await desk.as_member("OWNER")
    for seats in (0, -3, 1001):
        bought = (await ask(BUY, {"input": {"seats": seats, "interval": "YEARLY"}})).data["buySeats"]
        assert bought == {
            "order": None,
            "userErrors": [
                {
                    "path": ["input", "seats"],
                    "message": "An order is of at least one seat and at most 1000.",
                    "code": "SEATS_OUT_OF_RANGE",
                }
            ],
        }
    own = f"mem_{owner.id.hex}"
    for given, path, code in (
        ({"id": "mem_00"}, ["input", "id"], "NOT_FOUND"),
        ({"id": f"mem_{desk.company.id.hex}", "seat": "FULL"}, ["input", "id"], "NOT_FOUND"),
        ({"id": own, "roles": []}, ["input", "roles"], "ROLE_UNKNOWN"),
        ({"id": own, "seat": "VIEW_ONLY"}, ["input", "seat"], "LAST_OWNER_STAYS"),
    ):
        told = (await ask(CHANGE, {"input": given})).data["changeMember"]
        assert [(error["path"], error["code"]) for error in told["userErrors"]] == [(path, code)], given
    assert (await ask(SUBSCRIPTION)).data["subscription"]["taken"] == 1
