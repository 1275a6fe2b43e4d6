"""What the watch list tells of credit is for those who may read that of the customer (A11, A18)."""

import orjson
import pytest

from kedang_tenants.rules import establish
from tests.watching.support import DAY, MONDAY, bought, entries, night, reported, told

pytestmark = pytest.mark.requirement("A11", "A18")

OPENLY = "Neither a purchase nor a contact for 200 days."
WITHHELD = "Insolvency: Bankruptcy ahead. Credit rating dropped from AA to D."
HIDDEN = "The reasons are not for everybody."


@pytest.fixture
async def ill(shop, people):
    """One who is silent and ill, and one of whom nothing is known but arrears."""
    customer = await shop.create("customer", name="Ill", owner_id=people["Nancy"], credit_rating="AA")
    await bought(shop, customer, (200, 50))
    await shop.update("customer", customer, insolvency="BANKRUPTCY", credit_rating="D")
    owes = await shop.create("customer", name="Owes", owner_id=people["Nancy"])
    await shop.create(
        "invoice", number="1", customer_id=owes, amount=100_00, issued_on=MONDAY - 60 * DAY,
        due_on=MONDAY - 40 * DAY, internally=True,
    )  # fmt: skip
    return customer


async def without_credit(shop, *roles):
    """The company's own rules: these roles read the list without what it tells of credit."""
    content = {
        "roles": {role: {"records": {"watch_entry": {"sensitive": {"credit": "NONE"}}}} for role in roles}
    }
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind="access", content=content, clock=shop.clock)


async def test_an_entry_keeps_what_is_not_for_everybody_apart(shop, people, ill):
    await night(shop)
    rows = await shop.fetch(
        "SELECT reasons, withheld, why->>'en' AS why, why_withheld->>'en' AS why_withheld, points, why->>'zh' AS zh"
        " FROM watch_entry w JOIN customer c ON c.id = w.customer_id ORDER BY c.name"
    )
    both, arrears = [
        (
            orjson.loads(row["reasons"]).keys(),
            orjson.loads(row["withheld"]).keys(),
            row["why"],
            row["why_withheld"],
        )
        for row in rows
    ]
    assert both == ({"SILENCE"}, {"INSOLVENCY", "CREDIT_DROP"}, OPENLY, WITHHELD)
    assert arrears == (set(), {"ARREARS"}, HIDDEN, "Arrears: USD 100.00, the oldest for 40 days.")
    assert [row["points"] for row in rows] == [3, 1]
    before = await shop.fetch("SELECT id, version FROM watch_entry ORDER BY id")
    await night(shop)
    assert await shop.fetch("SELECT id, version FROM watch_entry ORDER BY id") == before


async def test_everybody_is_told_as_much_as_they_may_read(shop, people, ill):
    await without_credit(shop, "REPRESENTATIVE")
    await night(shop)
    bodies = {
        name: [one["body"] for one in await told(shop) if one["member_id"] == people[name]]
        for name in ("Steven", "Nancy")
    }
    assert bodies == {  # of what is found at once they hear at once
        "Steven": [
            f"Customers at risk: Ill – {WITHHELD} {OPENLY}",
            "Customers at risk: Owes – Arrears: USD 100.00, the oldest for 40 days.",
        ],
        "Nancy": [f"Customers at risk: Ill – {OPENLY}", f"Customers at risk: Owes – {HIDDEN}"],
    }


async def test_the_report_counts_and_says_what_its_reader_may_read(shop, people, ill):
    await without_credit(shop, "GENERAL_MANAGER")
    await night(shop)
    whole, part = [await reported(shop, people[name]) for name in ("Steven", "Margaret")]
    assert [line[1:] for line in whole["By reason"]] == [
        ["Insolvency ahead", 1], ["Arrears", 1], ["Credit drop", 1], ["Silence", 1],
    ]  # fmt: skip
    assert [line[1:] for line in part["By reason"]] == [["Silence", 1]]
    assert [line[-1] for line in whole["Customers at risk"]] == [
        f"{WITHHELD} {OPENLY}", "Arrears: USD 100.00, the oldest for 40 days.",
    ]  # fmt: skip
    assert [line[-1] for line in part["Customers at risk"]] == [OPENLY, HIDDEN]
    assert len(await entries(shop)) == 2
