"""Dry runs and back-tests where there is next to nothing: nobody, one customer, no orders, nothing known, all alike (G3)."""

from datetime import date

import pytest

from kedang_tenants.grading.trying import back_test_grade_rule, try_grade_rule
from tests.grading.test_by_hand import levels_of
from tests.grading.test_levels import shown
from tests.grading.test_trials import codes_of, tried
from tests.grading.test_versions import change, draft, publish, thresholds

pytestmark = pytest.mark.requirement("G3")
SHARES = [{"level": "A", "share": 20}, {"level": "B", "share": 30}, {"level": "E", "share": 50}]
PERCENTILES = {"kind": "PERCENTILES", "measure": "SALES", "levels": SHARES}
RANKED = {
    "kind": "SCORE",
    "criteria": [{"measure": "SALES", "weight": 100, "percentile": "COMPANY"}],
    "levels": [{"level": "A", "minimum": 50}, {"level": "E"}],
}
RATED = {
    "kind": "THRESHOLDS",
    "measure": "CREDIT_RATING",
    "levels": [{"level": "A", "minimum": "AA"}, {"level": "B"}],
}
SALES = thresholds(("A", "100"), ("E", None))


async def would_have(shop, rule, content):
    """How many customers a dry run of another content puts at each level; a back-test of three months does not fail."""
    version = await shop.value("SELECT version FROM grade_rule WHERE id = $1", rule)
    await change(shop, rule, version, content=content)
    row, outcome = await tried(shop, try_grade_rule, rule)
    _, past = await tried(shop, back_test_grade_rule, rule, months=3)
    assert len(past["months"]) == 3
    codes = await codes_of(shop)
    assert sum(one["after"] for one in outcome["levels"]) == row["seen"]
    return {codes[one["level"]]: one["after"] for one in outcome["levels"] if one["after"]}


async def buyer(shop, name, sales=None):
    made = await shop.create("customer", name=name, roles=["BUYER"])
    if sales:
        await shop.order(made, date(2026, 1, 15), ("1", sales))
    return made


async def test_of_nobody_of_one_and_of_all_alike(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme, SALES)
    unknown = RANKED | {"unknown": "D"}
    for content in (SALES, PERCENTILES, RANKED, RATED):
        assert await would_have(shop, rule, content) == {}

    await buyer(shop, "Alfreds")  # who has bought nothing
    await shop.work()
    assert await would_have(shop, rule, SALES) == {"E": 1}
    assert await would_have(shop, rule, PERCENTILES) == {"E": 1}  # the only one is not among the best fifth
    assert await would_have(shop, rule, RANKED) == {}  # nobody to be compared with
    assert await would_have(shop, rule, unknown) == {"D": 1}
    assert await would_have(shop, rule, RATED) == {}
    assert await would_have(shop, rule, RATED | {"unknown": "C"}) == {"C": 1}

    for name in "BCDE":
        await buyer(shop, name, "40")
    await shop.work()
    assert await would_have(shop, rule, PERCENTILES) == {"E": 5}  # four alike are more than the best half
    assert await would_have(shop, rule, RANKED) == {"E": 5}  # each is better than one of four others
    best = await buyer(shop, "F", "41")
    await shop.work()
    assert await would_have(shop, rule, PERCENTILES) == {"A": 1, "E": 5}
    await publish(shop, rule)
    await shop.work()
    assert await shown(shop, best) == "A"
    held = await shop.fetch(
        "SELECT l.code FROM customer c JOIN grade_level l ON l.id = c.grade_level_id ORDER BY 1"
    )
    assert [row["code"] for row in held] == ["A", "E", "E", "E", "E", "E"]
    assert set(await levels_of(shop)) == {"A", "B", "C", "D", "E"}
