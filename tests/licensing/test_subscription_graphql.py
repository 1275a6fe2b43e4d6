"""The subscription over GraphQL: prices before, seats more and fewer, who keeps one, the history (T3, T4)."""

from datetime import UTC, datetime

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.identity.sessions import start_session
from kedang_platform.licensing import subscribe
from kedang_platform.licensing.payments import Received
from kedang_platform.licensing.periods import day_in, end_of_period
from kedang_platform.settings import Settings
from kedang_tenants.people.seats import confirm_seats
from tests.licensing.test_graphql import BUY, Desk

pytestmark = pytest.mark.requirement("T3", "T4")

SUBSCRIPTION = """
{ subscription { free paid capacity taken state dueAt pastDueSince restrictedSince
    period { interval currency start end seats nextSeats nextInterval nextCost { net tax gross } } } }
"""
PREVIEW = """
query ($add: Int, $remove: Int, $interval: SeatInterval) {
  seatChangePreview(add: $add, remove: $remove, interval: $interval) {
    currency capacity onPayment renewsOn nextSeats nextInterval share
    now { net tax gross } nextCost { net tax gross }
  }
}
"""
ADD = """
mutation ($input: AddSeatsInput!) {
  addSeats(input: $input) {
    subscription { paid capacity period { nextSeats } }
    order { reference state interval amount } invoiceNumber userErrors { path code }
  }
}
"""
REMOVE = """
mutation ($input: RemoveSeatsAtPeriodEndInput!) {
  removeSeatsAtPeriodEnd(input: $input) {
    subscription { capacity period { seats nextSeats } } userErrors { path message code }
  }
}
"""
KEEP = "mutation { keepSeats { subscription { period { nextSeats } } userErrors { code } } }"
INTERVAL = """
mutation ($input: ChangeIntervalInput!) {
  changeInterval(input: $input) {
    subscription { period { interval nextInterval nextCost { gross } } } userErrors { path code }
  }
}
"""
CHOOSE = """
mutation ($input: ChooseSeatsInput!) {
  chooseSeats(input: $input) { subscription { taken } userErrors { path message code } }
}
"""
HISTORY = "query ($first: Int, $after: String) { seatHistory(first: $first, after: $after) { id event reason memberId seats byMemberId } }"
DEACTIVATE = """
mutation ($input: DeactivateMemberInput!) {
  deactivateMember(input: $input) {
    member { state } userErrors { code }
    freedSeat { currency paidUntil removable nextInvoice { gross } nextInvoiceWithout { gross } }
  }
}
"""


@pytest.fixture
async def desk(gateway, databases, company):
    async with databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=2, now=SystemClock().now())
    return Desk(gateway, databases, company)


@pytest.fixture
async def owner(desk):
    """A company with four paid seats by the month, and its owner."""
    member, ask = await desk.as_member("OWNER")
    ask.member = member
    order = (await ask(BUY, {"input": {"seats": 4, "interval": "MONTHLY"}})).data["buySeats"]["order"]
    await pay(desk, order["reference"])
    return ask


async def pay(desk, reference):
    await confirm_seats(
        desk.databases,
        received=Received(reference),
        operator="lin",
        settings=Settings(),
        clock=SystemClock(),
    )


def months_end():
    today = day_in("Asia/Shanghai", datetime.now(UTC))
    return today, end_of_period(start=today, anchor=today, interval="month")


async def test_the_subscription_tells_its_period_and_what_the_next_one_costs(owner):
    start, end = months_end()
    assert (await owner(SUBSCRIPTION)).data["subscription"] == {
        "free": 2,
        "paid": 4,
        "capacity": 6,
        "taken": 1,
        "state": "ACTIVE",
        "dueAt": None,
        "pastDueSince": None,
        "restrictedSince": None,
        "period": {
            "interval": "MONTHLY",
            "currency": "CNY",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "seats": 4,
            "nextSeats": 4,
            "nextInterval": "MONTHLY",
            "nextCost": {"net": 19600, "tax": 0, "gross": 19600},
        },
    }


async def test_a_change_has_its_price_before_it_is_ordered(owner):
    _, end = months_end()
    told = (await owner(PREVIEW, {"add": 3, "remove": 1, "interval": "YEARLY"})).data["seatChangePreview"]
    assert told == {
        "currency": "CNY",
        "capacity": 9,
        "onPayment": False,
        "renewsOn": end.isoformat(),
        "nextSeats": 6,
        "nextInterval": "YEARLY",
        "share": "1/1",
        "now": {"net": 14700, "tax": 0, "gross": 14700},
        "nextCost": {"net": 294000, "tax": 0, "gross": 294000},
    }
    assert (await owner(PREVIEW, {"remove": 5})).codes == ["FEWER_SEATS_PAID"]
    assert (await owner(SUBSCRIPTION)).data["subscription"]["paid"] == 4


async def test_seats_are_added_removed_and_kept_and_the_interval_changed(owner):
    added = (await owner(ADD, {"input": {"seats": 2}})).data["addSeats"]
    assert added["invoiceNumber"].startswith("INV-")
    assert (added["order"], added["userErrors"]) == (None, [])
    assert added["subscription"] == {"paid": 6, "capacity": 8, "period": {"nextSeats": 6}}
    assert (await owner(SUBSCRIPTION)).data["subscription"]["dueAt"] is not None

    removed = (await owner(REMOVE, {"input": {"seats": 5}})).data["removeSeatsAtPeriodEnd"]
    assert removed["subscription"] == {"capacity": 8, "period": {"seats": 6, "nextSeats": 1}}
    refused = (await owner(REMOVE, {"input": {"seats": 2}})).data["removeSeatsAtPeriodEnd"]
    assert refused == {
        "subscription": None,
        "userErrors": [
            {
                "path": ["input", "seats"],
                "message": "At most 1 paid seats can be removed at the end of the period.",
                "code": "FEWER_SEATS_PAID",
            }
        ],
    }
    assert (await owner(KEEP)).data["keepSeats"] == {
        "subscription": {"period": {"nextSeats": 6}},
        "userErrors": [],
    }
    changed = (await owner(INTERVAL, {"input": {"interval": "YEARLY"}})).data["changeInterval"]
    assert changed["subscription"]["period"] == {
        "interval": "MONTHLY",
        "nextInterval": "YEARLY",
        "nextCost": {"gross": 294000},
    }


async def test_a_free_company_adds_by_an_order_that_waits_for_its_payment(desk):
    _, ask = await desk.as_member("OWNER")
    added = (await ask(ADD, {"input": {"seats": 2, "interval": "YEARLY"}})).data["addSeats"]
    order = added["order"]
    assert (order["state"], order["interval"], order["amount"]) == ("PENDING", "YEARLY", 98000)
    assert added["subscription"] == {"paid": 0, "capacity": 2, "period": None}
    await pay(desk, order["reference"])
    told = (await ask(SUBSCRIPTION)).data["subscription"]
    assert (told["state"], told["paid"]) == ("ACTIVE", 2)
    assert (await ask(INTERVAL, {"input": {"interval": "MONTHLY"}})).data["changeInterval"][
        "userErrors"
    ] == []


async def test_choosing_needs_a_person_at_a_session_who_just_signed_in(desk, owner, gateway):
    chosen = {"input": {"memberIds": [f"mem_{owner.member.id.hex}"]}}
    assert (await owner(CHOOSE, chosen)).codes == ["FORBIDDEN"]
    async with desk.databases.control() as control:
        token = await start_session(
            control,
            person_id=owner.member.person_id,
            company_id=desk.company.id,
            user_agent="",
            now=datetime.now(UTC),
        )
    browser = gateway.client()
    browser.http.headers["cookie"] = f"kedang={token}"
    assert (await browser(CHOOSE, chosen)).data["chooseSeats"] == {
        "subscription": {"taken": 1},
        "userErrors": [],
    }
    watcher, _ = await desk.as_member("VIEW_ONLY", seat="VIEW_ONLY")
    refused = {"input": {"memberIds": [f"mem_{watcher.id.hex}"]}}
    (error,) = (await browser(CHOOSE, refused)).data["chooseSeats"]["userErrors"]
    assert (error["path"], error["code"]) == (["input", "memberIds"], "HOLDS_NO_SEAT")


async def test_the_history_is_read_page_by_page_by_owner_and_administrator(desk, owner):
    nancy, _ = await desk.as_member("REPRESENTATIVE")
    await owner(DEACTIVATE, {"input": {"id": f"mem_{nancy.id.hex}"}})
    first, *_ = (await owner(HISTORY, {"first": 1})).data["seatHistory"]
    assert first | {"id": ""} == {
        "id": "",
        "event": "RELEASED",
        "reason": "DEACTIVATION",
        "memberId": f"mem_{nancy.id.hex}",
        "seats": None,
        "byMemberId": f"mem_{owner.member.id.hex}",
    }
    then = (await owner(HISTORY, {"after": first["id"]})).data["seatHistory"]
    assert [(entry["event"], entry["seats"]) for entry in then] == [("BOUGHT", 4)]
    for role in ("GENERAL_MANAGER", "FINANCE", "REPRESENTATIVE"):
        _, ask = await desk.as_member(role)
        assert (await ask(HISTORY)).codes == ["FORBIDDEN"]


async def test_deactivating_says_when_the_money_stops(desk, owner):
    _, end = months_end()
    nancy, _ = await desk.as_member("REPRESENTATIVE")
    watcher, _ = await desk.as_member("VIEW_ONLY", seat="VIEW_ONLY")
    told = (await owner(DEACTIVATE, {"input": {"id": f"mem_{nancy.id.hex}"}})).data["deactivateMember"]
    assert told["freedSeat"] == {
        "currency": "CNY",
        "paidUntil": end.isoformat(),
        "removable": 4,
        "nextInvoice": {"gross": 19600},
        "nextInvoiceWithout": {"gross": 14700},
    }
    told = (await owner(DEACTIVATE, {"input": {"id": f"mem_{watcher.id.hex}"}})).data["deactivateMember"]
    assert (told["freedSeat"], told["member"]) == (None, {"state": "SUSPENDED"})
