"""Levels: how their customers are treated, colours that can be told from the page, going into another (G1)."""

from datetime import date

import orjson
import pytest

from kedang_platform.colours import READABLE, contrast_on_white
from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.grading.by_hand import grade_by_hand
from kedang_tenants.grading.leading import lead
from kedang_tenants.grading.level_sets import LEVEL_SETS
from kedang_tenants.grading.retiring import Retired, WrongSuccessor, retire_level

pytestmark = pytest.mark.requirement("G1")


async def state_of(shop):
    """Everything that a refusal could have touched."""
    tables = ("grade_scheme", "grade_level", "customer_grade", "customer", "grade_rule")
    return [await shop.fetch(f"SELECT * FROM {table} ORDER BY id") for table in tables] + [
        await shop.value("SELECT count(*) FROM audit")
    ]


async def by_hand_scheme(shop, *codes, leads=True, name="By hand"):
    """A scheme that is graded by hand alone; returns its id and its levels by code."""
    scheme = await shop.create("grade_scheme", name=name, graded_by="HAND", leads=leads)
    levels = {}
    for position, code in enumerate(codes, start=1):
        levels[code] = await shop.create(
            "grade_level", scheme_id=scheme, code=code, name={"en": code}, colour="#123456", position=position
        )
    return scheme, levels


async def give(shop, customer, level, *, reason="Decided in the meeting", until=None, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await grade_by_hand(
            write,
            viewer or shop.viewer,
            customer_id=customer,
            level_id=level,
            reason=reason,
            until=until,
            clock=shop.clock,
        )


async def retire(shop, level, into, *, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        retired = await retire_level(
            write, viewer or shop.viewer, level_id=level, into_id=into, clock=shop.clock
        )
    return retired.customers


async def shown(shop, customer):
    return await shop.value(
        "SELECT l.code FROM customer c LEFT JOIN grade_level l ON l.id = c.grade_level_id WHERE c.id = $1",
        customer,
    )


async def test_a_level_says_how_its_customers_are_treated(shop):
    treatment = {
        "care_days": 90,
        "service_promise": {"en": "A person of their own", "zh": "专人服务"},
        "price_preference": {"zh": "九五折"},
        "delivery_preference": {"zh": "优先发货"},
        "collection_policy": {"zh": "先电话，后发函"},
        "credit_days": 60,
        "credit_terms": {"zh": "月结60天"},
        "reception": {"zh": "总经理接待"},
        "pool_protected": True,
        "pool_after_days": 180,
    }
    _, levels = await by_hand_scheme(shop, "A")
    await shop.update("grade_level", levels["A"], **treatment)
    (row,) = await shop.fetch(f"SELECT {', '.join(treatment)} FROM grade_level")
    kept = {name: orjson.loads(value) if isinstance(value, str) else value for name, value in row.items()}
    assert kept == treatment


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"cycle_days": 0}, "OUT_OF_RANGE"),
        ({"care_days": 0}, "OUT_OF_RANGE"),
        ({"credit_days": -1}, "OUT_OF_RANGE"),
        ({"pool_after_days": 0}, "OUT_OF_RANGE"),
        ({"colour": "#ffff00"}, "COLOUR_UNREADABLE"),
        ({"colour": "#959595"}, "COLOUR_UNREADABLE"),
        ({"retired_into_id": new_id()}, "FORBIDDEN"),
    ],
)
async def test_what_no_level_can_say_is_refused(shop, values, code):
    _, levels = await by_hand_scheme(shop, "A")
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await shop.update("grade_level", levels["A"], **values)
    assert [error.code for error in refused.value.errors] == [code]
    assert await state_of(shop) == before


async def test_the_darkest_grey_that_is_too_light_and_the_lightest_that_is_not(shop):
    _, levels = await by_hand_scheme(shop, "A")
    await shop.update("grade_level", levels["A"], colour="#949494")
    assert await shop.value("SELECT colour FROM grade_level") == "#949494"


def test_every_colour_of_ours_can_be_told_from_the_page():
    colours = {level.colour for level_set in LEVEL_SETS for level in level_set.levels}
    assert [colour for colour in sorted(colours) if contrast_on_white(colour) < READABLE] == []


async def test_a_level_in_use_goes_into_another_and_is_never_deleted(shop):
    _, levels = await by_hand_scheme(shop, "KEY", "SECOND", "MINOR")
    customer = await shop.create("customer", name="Alfreds Futterkiste")
    other = await shop.create("customer", name="Bon app'")
    await give(shop, customer, levels["SECOND"], reason="As ever", until=date(2026, 6, 30))
    await give(shop, other, levels["MINOR"])
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await shop.archive("grade_level", levels["SECOND"])
    assert [error.code for error in refused.value.errors] == ["LEVEL_IN_USE"]
    assert await state_of(shop) == before

    assert await retire(shop, levels["SECOND"], levels["KEY"]) == 1
    assert [await shown(shop, c) for c in (customer, other)] == ["KEY", "MINOR"]
    (level,) = await shop.fetch(
        "SELECT archived_at, retired_into_id FROM grade_level WHERE id = $1", levels["SECOND"]
    )
    assert (level["archived_at"], level["retired_into_id"]) == (shop.clock.now(), levels["KEY"])
    history = await shop.fetch(
        "SELECT l.code, g.current, g.by_hand, g.reason, g.until FROM customer_grade g JOIN grade_level l ON l.id = g.level_id"
        " WHERE g.customer_id = $1 ORDER BY g.current",
        customer,
    )
    assert [tuple(row.values()) for row in history] == [
        ("SECOND", False, True, "As ever", date(2026, 6, 30)),
        ("KEY", True, True, "As ever", date(2026, 6, 30)),
    ]
    with pytest.raises(Refused) as refused:
        await shop.change(Change("grade_level", "restore", levels["SECOND"]))
    assert [error.code for error in refused.value.errors] == ["LEVEL_RETIRED"]
    with pytest.raises(NotFound):
        await give(shop, other, levels["SECOND"])


@pytest.mark.requirement("P1")
async def test_prices_of_a_level_end_with_it(shop):
    _, levels = await by_hand_scheme(shop, "KEY", "SECOND")
    product = await shop.create("product", number="1", name="Chai", list_price="20")
    for level, quantity, price in (
        (None, "10", "18"),
        ("SECOND", "1", "17"),
        ("SECOND", "5", "16"),
        ("KEY", "5", "15"),
    ):
        await shop.create(
            "price_step",
            product_id=product,
            from_quantity=quantity,
            unit_price=price,
            grade_level_id=levels.get(level),
        )
    async with shop.databases.tenant_write(shop.company.ref) as write:
        retired = await retire_level(
            write, shop.viewer, level_id=levels["SECOND"], into_id=levels["KEY"], clock=shop.clock
        )
    assert retired == Retired(customers=0, price_steps=2)
    rows = await shop.fetch(
        "SELECT l.code, s.archived_at FROM price_step s LEFT JOIN grade_level l ON l.id = s.grade_level_id"
        " ORDER BY s.from_quantity, l.code"
    )
    assert [(row["code"], row["archived_at"] is None) for row in rows] == [
        ("SECOND", False),
        ("KEY", True),
        ("SECOND", False),
        (None, True),
    ]
    assert await shop.value("SELECT count(*) FROM audit WHERE action = 'price_step.archived'") == 2


async def test_a_level_goes_only_into_another_living_one_of_its_scheme(shop):
    _, levels = await by_hand_scheme(shop, "KEY", "SECOND")
    _, others = await by_hand_scheme(shop, "X", leads=False, name="Another")
    customer = await shop.create("customer", name="Alfreds Futterkiste")
    await give(shop, customer, levels["KEY"])
    davolio = await shop.as_member(await shop.hire("Nancy Davolio", "DEPARTMENT_MANAGER"))
    before = await state_of(shop)
    for into in (levels["KEY"], others["X"]):
        with pytest.raises(WrongSuccessor):
            await retire(shop, levels["KEY"], into)
    with pytest.raises(NotFound):
        await retire(shop, levels["KEY"], new_id())
    with pytest.raises(Forbidden):
        await retire(shop, levels["KEY"], levels["SECOND"], viewer=davolio)
    assert await state_of(shop) == before


async def test_of_several_schemes_one_leads_and_another_takes_its_place_at_once(shop):
    value, levels = await by_hand_scheme(shop, "A", "B")
    credit, ratings = await by_hand_scheme(shop, "AAA", "D", leads=False, name="Credit")
    customer = await shop.create("customer", name="Alfreds Futterkiste")
    await give(shop, customer, levels["B"])
    await give(shop, customer, ratings["AAA"])
    assert await shown(shop, customer) == "B"
    assert await shop.value("SELECT count(*) FROM customer_grade WHERE current") == 2

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lead(write, shop.viewer, scheme_id=credit, clock=shop.clock)
    await shop.work()
    assert await shop.fetch("SELECT id, leads FROM grade_scheme ORDER BY leads") == [
        {"id": value, "leads": False},
        {"id": credit, "leads": True},
    ]
    assert await shown(shop, customer) == "AAA"
    assert await shop.value("SELECT grade_rank FROM customer") == 1


async def test_a_scheme_that_leads_before_it_is_in_force_shows_no_grade_of_another(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.work()
    assert await shown(shop, customer) == "E"
    second = await shop.create("grade_scheme", name="Profit")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await lead(write, shop.viewer, scheme_id=second, clock=shop.clock)
    await shop.work()
    assert await shown(shop, customer) is None
