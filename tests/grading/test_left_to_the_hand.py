"""A scheme by rule that is left to the hand: its rule keeps nothing from going, and comes back only as it can be (G1, G2)."""

from datetime import date

import pytest

from kedang_platform.errors import Refused
from tests.grading.test_by_hand import levels_of
from tests.grading.test_levels import give, retire, shown, state_of
from tests.grading.test_versions import EASY, draft, publish, thresholds, versions

pytestmark = pytest.mark.requirement("G1", "G2")


async def left_to_the_hand(shop):
    customer = await shop.create("customer", name="Alfreds", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, date(2026, 1, 15), ("1", "12000"))
    await shop.work()
    assert await shown(shop, customer) == "B"
    await shop.update("grade_scheme", scheme, graded_by="HAND")
    await shop.work()
    return customer, scheme


async def test_its_levels_can_be_retired_and_archived(shop):
    customer, scheme = await left_to_the_hand(shop)
    levels = await levels_of(shop)
    assert await retire(shop, levels["B"], levels["A"]) == 1
    await shop.archive("grade_level", levels["D"])
    assert await shown(shop, customer) == "A"
    gone = await shop.fetch("SELECT code FROM grade_level WHERE archived_at IS NOT NULL ORDER BY code")
    assert [row["code"] for row in gone] == ["B", "D"]
    assert await shop.value("SELECT state FROM grade_scheme WHERE id = $1", scheme) == "PUBLISHED"


async def test_back_from_the_hand_its_rule_gives_no_level_that_is_gone(shop):
    customer, scheme = await left_to_the_hand(shop)
    levels = await levels_of(shop)
    await retire(shop, levels["B"], levels["A"])
    await shop.update("grade_scheme", scheme, graded_by="RULE_AND_HAND")
    await shop.work()
    assert await shop.fetch("SELECT state, rule FROM grade_scheme") == [{"state": "DRAFT", "rule": None}]
    await shop.order(customer, date(2026, 1, 16), ("1", "1"))
    await shop.work()
    assert await shown(shop, customer) == "A"
    rule = await draft(shop, scheme, content=None)  # as the levels' own minimums say
    await publish(shop, rule)
    await shop.work()
    assert await versions(shop) == [(1, "SUPERSEDED"), (2, "IN_FORCE")]
    assert await shown(shop, customer) == "C"


async def test_back_from_the_hand_a_rule_whose_levels_are_all_there_goes_on(shop):
    customer, scheme = await left_to_the_hand(shop)
    levels = await levels_of(shop)
    await give(shop, customer, levels["E"])
    await shop.update("grade_scheme", scheme, graded_by="RULE_AND_HAND")
    assert await shop.value("SELECT state FROM grade_scheme") == "PUBLISHED"
    with pytest.raises(Refused) as refused:
        await retire(shop, levels["B"], levels["A"])
    assert [error.code for error in refused.value.errors] == ["LEVEL_IN_FORCE"]


async def test_what_is_scheduled_still_keeps_its_levels(shop):
    _, scheme = await left_to_the_hand(shop)
    await shop.update("grade_scheme", scheme, graded_by="RULE")
    rule = await draft(shop, scheme, thresholds(("B", "50"), ("E", None)))
    await publish(shop, rule, in_force_from=date(2026, 3, 9))
    await shop.update("grade_scheme", scheme, graded_by="HAND")
    levels, before = await levels_of(shop), await state_of(shop)
    with pytest.raises(Refused) as refused:
        await retire(shop, levels["B"], levels["A"])
    assert [error.code for error in refused.value.errors] == ["LEVEL_SCHEDULED"]
    assert await state_of(shop) == before


async def test_a_scheme_that_is_left_to_the_hand_can_be_put_away(shop):
    scheme = await shop.publish_default_scheme()
    rule = await draft(shop, scheme, EASY)
    await publish(shop, rule)
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await shop.archive("grade_scheme", scheme)
    assert [error.code for error in refused.value.errors] == ["SCHEME_IN_FORCE"]
    assert await state_of(shop) == before
    await shop.update("grade_scheme", scheme, graded_by="HAND")
    await shop.archive("grade_scheme", scheme)
    assert await shop.value("SELECT archived_at FROM grade_scheme") == shop.clock.now()
