"""A grade that changes moves the follow-ups once, leaves what was agreed with the customer, and is told to the owner (G7)."""

from datetime import date

import orjson
import pytest

from tests.grading.test_levels import shown
from tests.grading.test_versions import EASY, draft, publish

pytestmark = pytest.mark.requirement("G7")
AGREED = date(2026, 3, 25)
PLANS = "SELECT id, origin, state, due_on, version FROM follow_up_plan ORDER BY origin, id"
TOLD = "SELECT title FROM notice WHERE kind = 'GRADE_CHANGED' ORDER BY id"


async def test_plans_move_once_and_what_was_agreed_stays(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Alfreds", roles=["BUYER"], owner_id=davolio)
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, date(2026, 1, 15), ("1", "150"))
    await shop.work()
    assert await shown(shop, customer) == "D"
    agreed = await shop.create(
        "follow_up_plan", customer_id=customer, owner_id=davolio, due_on=AGREED, purpose="As agreed"
    )
    await shop.work()
    own, before = [row for row in await shop.fetch(PLANS) if row["id"] == agreed], await shop.fetch(PLANS)
    (cycle,) = [row for row in before if row["origin"] == "CYCLE"]
    assert cycle["due_on"] == date(2026, 6, 1)  # ninety days, and the Monday after

    rule = await draft(shop, scheme, EASY)
    await publish(shop, rule)
    await shop.work()
    assert await shown(shop, customer) == "A"
    after = await shop.fetch(PLANS)
    (moved,) = [row for row in after if row["origin"] == "CYCLE"]
    assert (moved["id"], moved["due_on"], moved["version"]) == (cycle["id"], date(2026, 3, 16), 2)
    assert [row for row in after if row["id"] == agreed] == own
    assert len(after) == len(before)
    (told,) = await shop.fetch(TOLD)
    assert orjson.loads(told["title"])["en"] == "Alfreds: grade D became A"

    await shop.publish(scheme)  # back to the sums of the levels, which say D again
    await shop.work()
    await shop.work()
    assert await shown(shop, customer) == "D"
    (again,) = [row for row in await shop.fetch(PLANS) if row["origin"] == "CYCLE"]
    assert (again["id"], again["due_on"], again["version"]) == (cycle["id"], date(2026, 6, 1), 3)
    assert len(await shop.fetch(TOLD)) == 2
