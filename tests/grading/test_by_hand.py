"""Grades by hand: with a reason, to a last day, by whom scheme and policy let; told before they end (G2, G3)."""

from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing.holding import Archived
from kedang_tenants.grading.by_hand import NotGradedByHand, SchemeGradedByRule, end_grade_by_hand
from kedang_tenants.grading.dues import GRADE_ENDS
from tests.grading.test_levels import by_hand_scheme, give, shown, state_of
from tests.grading.test_versions import draft, publish

pytestmark = pytest.mark.requirement("G3")
RECENTLY = date(2026, 1, 15)
JUNE = date(2026, 6, 30)


async def levels_of(shop):
    return {row["code"]: row["id"] for row in await shop.fetch("SELECT id, code FROM grade_level")}


async def end(shop, customer, scheme, *, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await end_grade_by_hand(
            write, viewer or shop.viewer, customer_id=customer, scheme_id=scheme, clock=shop.clock
        )


async def by_night(shop, kind="grading.end_by_hand"):
    """Let the job of the night, or of the morning, run."""
    from kedang_platform.work import NewJob, enqueue

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob(kind))
    await shop.work()


async def test_the_hand_stands_above_the_rule_until_its_last_day(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", "12000"))
    await shop.work()
    assert await shown(shop, customer) == "B"
    levels = await levels_of(shop)
    await give(shop, customer, levels["A"], reason="Opens the whole province to us", until=JUNE)
    await shop.order(customer, RECENTLY, ("1", "1"))
    await shop.work()
    await by_night(shop)
    (grade,) = await shop.fetch(
        "SELECT g.*, l.code FROM customer_grade g JOIN grade_level l ON l.id = g.level_id WHERE current"
    )
    assert (grade["code"], grade["by_hand"], grade["reason"], grade["until"]) == (
        "A",
        True,
        "Opens the whole province to us",
        JUNE,
    )
    assert (grade["given_by_id"], grade["rule_version"]) == (shop.viewer.member_id, 1)
    assert orjson.loads(grade["figures"])["level"] == "B"
    assert orjson.loads(grade["explanation"]) == {
        "en": "Level A was given by hand, until 2026-06-30.",
        "zh": orjson.loads(grade["explanation"])["zh"],
    }
    assert await shown(shop, customer) == "A"

    shop.clock.move(timedelta(days=120))  # 30 June: the last day counts
    await by_night(shop)
    assert await shown(shop, customer) == "A"
    shop.clock.move(timedelta(days=1))
    await by_night(shop)
    assert await shown(shop, customer) == "B"
    history = await shop.fetch(
        "SELECT l.code, g.by_hand FROM customer_grade g JOIN grade_level l ON l.id = g.level_id"
        " ORDER BY g.graded_at, g.id"
    )
    assert [(row["code"], row["by_hand"]) for row in history] == [("B", False), ("A", True), ("B", False)]


async def test_ending_it_has_the_rule_grade_again(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.work()
    await give(shop, customer, (await levels_of(shop))["A"], until=JUNE)
    assert await shown(shop, customer) == "A"
    await end(shop, customer, scheme)
    assert await shown(shop, customer) == "E"
    before = await state_of(shop)
    with pytest.raises(NotGradedByHand):
        await end(shop, customer, scheme)
    assert await state_of(shop) == before


async def test_without_a_rule_nobody_has_a_grade_after_it_ends(shop):
    scheme, levels = await by_hand_scheme(shop, "A", "B")
    customer = await shop.create("customer", name="Alfreds Futterkiste")
    await give(shop, customer, levels["A"])
    await end(shop, customer, scheme)
    assert await shown(shop, customer) is None
    assert await shop.value("SELECT count(*) FROM customer_grade WHERE current") == 0
    await give(shop, customer, levels["B"], until=date(2026, 3, 2))
    await by_night(shop, "grading.morning")
    (notice,) = await shop.fetch("SELECT body FROM notice WHERE kind = 'GRADE_ENDING'")
    assert orjson.loads(notice["body"])["en"] == (
        "Alfreds Futterkiste has the grade B by hand until 2026-03-02. After that day the customer has no grade,"
        " unless somebody gives one anew."
    )
    shop.clock.move(timedelta(days=1))
    await by_night(shop)
    assert await shown(shop, customer) is None


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"reason": "  ", "until": JUNE}, [("REQUIRED", "reason")]),
        ({"until": None}, [("REQUIRED", "until")]),
        ({"until": date(2026, 3, 1)}, [("IN_THE_PAST", "until")]),
        ({"reason": "", "until": date(2025, 1, 1)}, [("REQUIRED", "reason"), ("IN_THE_PAST", "until")]),
        ({"reason": "x" * 1001, "until": JUNE}, [("TOO_LONG", "reason")]),
    ],
)
async def test_a_grade_above_the_rule_needs_its_reason_and_last_day(shop, said, faults):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.work()
    levels = await levels_of(shop)
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await give(shop, customer, levels["A"], **said)
    assert [(error.code, error.path[-1]) for error in refused.value.errors] == faults
    assert await state_of(shop) == before


async def test_a_scheme_of_the_rule_alone_takes_no_hand(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme(graded_by="RULE")
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(SchemeGradedByRule):
        await give(shop, customer, (await levels_of(shop))["A"], until=JUNE)
    with pytest.raises(NotGradedByHand):
        await end(shop, customer, scheme)
    with pytest.raises(NotFound):
        await give(shop, customer, new_id(), until=JUNE)
    assert await state_of(shop) == before


@pytest.mark.requirement("A11")
async def test_who_may_grade_by_hand_is_said_by_policy_and_scheme(shop):
    sales = await shop.create("department", name="Sales")
    owner = await shop.hire("Nancy Davolio", "REPRESENTATIVE", department_id=sales)
    people = {
        "owner": owner,
        "superior": await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=sales),
        "general manager": await shop.hire("Andrew Two", "GENERAL_MANAGER"),
        "elsewhere": await shop.hire("Janet Leverling", "REPRESENTATIVE"),
        "service": await shop.hire("Robert King", "SERVICE_AGENT"),
        "finance": await shop.hire("Anne Dodsworth", "FINANCE"),
        "onlooker": await shop.hire("Laura Callahan", "VIEW_ONLY"),
    }
    viewers = {name: await shop.as_member(member) for name, member in people.items()}
    scheme, levels = await by_hand_scheme(shop, "A", "B")
    customer = await shop.create("customer", name="Alfreds Futterkiste", owner_id=owner)
    await shop.work()

    async def may(name):
        try:
            await give(shop, customer, levels["A"], viewer=viewers[name])
        except Forbidden:
            return False
        except NotFound:
            return None
        return True

    allowed = {name: await may(name) for name in viewers}
    assert allowed == {
        "owner": False,
        "superior": True,
        "general manager": True,
        "elsewhere": None,
        "service": False,
        "finance": False,
        "onlooker": False,
    }
    await shop.update("grade_scheme", scheme, owners_may_override=True)
    assert (await may("owner"), await may("elsewhere"), await may("finance")) == (True, None, False)
    await shop.archive("customer", customer)
    with pytest.raises((Archived, NotFound)):
        await give(shop, customer, levels["B"])


@pytest.mark.requirement("T10", "G7")
async def test_it_comes_up_again_before_it_ends(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Alfreds Futterkiste", owner_id=davolio)
    _, levels = await by_hand_scheme(shop, "A")
    await give(shop, customer, levels["A"], until=date(2026, 3, 16))
    await shop.work()
    await by_night(shop, "grading.morning")
    notices = "SELECT member_id, title FROM notice WHERE kind = 'GRADE_ENDING' ORDER BY id"
    assert await shop.fetch(notices) == []
    shop.clock.move(timedelta(days=1))  # 3 March: 13 days before the last one
    await by_night(shop, "grading.morning")
    await by_night(shop, "grading.morning")
    told = await shop.fetch(notices)
    assert {row["member_id"] for row in told} == {davolio, shop.viewer.member_id}
    assert len(told) == 2
    assert orjson.loads(told[0]["title"])["en"] == "The grade A of Alfreds Futterkiste ends on 2026-03-16"

    from kedang_tenants.grading.dues import GRADE_ENDS

    today = shop.viewer.today(shop.clock)
    due = await shop.fetch(GRADE_ENDS.select, today)
    assert [tuple(row.values())[:4] for row in due] == [
        (
            shop.viewer.member_id,
            await shop.value("SELECT id FROM customer_grade"),
            customer,
            date(2026, 3, 16),
        )
    ]


@pytest.mark.requirement("G7", "T10")
async def test_owners_are_told_once_however_many_of_their_customers_move(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    fuller = shop.viewer.member_id
    _, levels = await by_hand_scheme(shop, "A", "B")
    customers = [await shop.create("customer", name=f"Customer {n}", owner_id=davolio) for n in range(3)]
    own = await shop.create("customer", name="Own", owner_id=fuller)
    for customer in (*customers, own):
        await give(shop, customer, levels["B"])
    await shop.work()
    notices = "SELECT member_id, title, body, about FROM notice WHERE kind = 'GRADE_CHANGED' ORDER BY id"
    assert await shop.fetch(notices) == []  # a first grade is no change of one

    await give(shop, customers[0], levels["A"])
    await give(shop, own, levels["A"])  # who grades their own customer knows
    await shop.work()
    (one,) = await shop.fetch(notices)
    assert (one["member_id"], one["about"]) == (davolio, f"cus_{customers[0].hex}")
    assert orjson.loads(one["title"])["en"] == "Customer 0: grade B became A"

    from tests.grading.test_levels import retire

    await retire(shop, levels["B"], levels["A"])
    await shop.work()
    _, many = await shop.fetch(notices)
    assert (many["member_id"], many["about"]) == (davolio, None)
    assert orjson.loads(many["title"])["en"] == "The grades of 2 of your customers changed"
    assert orjson.loads(many["body"])["en"] == "2 of 2 rose. Customer 1: B → A\nCustomer 2: B → A"


async def test_nobody_is_to_decide_anew_on_an_archived_customer(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.work()
    await give(shop, customer, (await levels_of(shop))["A"], until=RECENTLY.replace(month=3))
    assert await shop.value(f"SELECT count(*) FROM ({GRADE_ENDS.select}) d", date(2026, 3, 2)) == 1
    await shop.archive("customer", customer)
    assert await shop.value(f"SELECT count(*) FROM ({GRADE_ENDS.select}) d", date(2026, 3, 2)) == 0


async def test_who_is_compared_is_judged_with_everybody_else_as_a_run_does(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    shares = [{"level": "A", "share": 50}, {"level": "E", "share": 50}]
    await publish(
        shop, await draft(shop, scheme, {"kind": "PERCENTILES", "measure": "SALES", "levels": shares})
    )
    await shop.work()
    await give(shop, customer, (await levels_of(shop))["A"], until=JUNE)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await end_grade_by_hand(write, shop.viewer, customer_id=customer, scheme_id=scheme, clock=shop.clock)
        assert await write.fetchval("SELECT current_setting('enable_nestloop')") == "off"
    assert await shown(shop, customer) == "E"
