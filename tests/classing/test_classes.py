"""Classes beside grades: one of each dimension, readable colours, many at once, and what a class in use does not allow."""

from datetime import date

import pytest

from kedang_platform.errors import BadUserInput, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.classing import classes
from kedang_tenants.classing.cycles import CYCLE_SQL

pytestmark = pytest.mark.requirement("G4")
VIP = {
    "code": "VIP",
    "name": {"en": "VIP", "zh": "贵宾"},
    "dimension": "VALUE",
    "colour": "#b3261e",
    "cycle_days": 14,
}
POTENTIAL = {
    "code": "POT",
    "name": {"zh": "潜力"},
    "dimension": "VALUE",
    "colour": "#1565c0",
    "cycle_days": 30,
}
PRICE = {"code": "PRICE", "name": {"en": "Price"}, "dimension": "NEED", "colour": "#2e7d32", "cycle_days": 21}
BANKS = {
    "code": "BANKS", "name": {"en": "Banks"}, "dimension": "OWN", "own_dimension": "行业", "colour": "#5d4037",
}  # fmt: skip


async def classify(shop, class_id, *customers, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await classes.classify(
            write, viewer or shop.viewer, class_id=class_id, customer_ids=customers, clock=shop.clock
        )


async def standing(shop):
    rows = await shop.fetch(
        "SELECT c.name, cc.code, k.dimension FROM classified_customer k JOIN customer c ON c.id = k.customer_id"
        " JOIN customer_class cc ON cc.id = k.class_id WHERE k.archived_at IS NULL ORDER BY 1, 2"
    )
    return [tuple(row.values()) for row in rows]


def codes(refused):
    return [(error.path[-1], error.code) for error in refused.value.errors]


async def test_a_customer_is_in_one_class_of_each_dimension(shop):
    vip, potential, price, banks = [
        await shop.create("customer_class", **one) for one in (VIP, POTENTIAL, PRICE, BANKS)
    ]
    alfreds = await shop.create("customer", name="Alfreds")
    bottom = await shop.create("customer", name="Bottom-Dollar")
    assert await classify(shop, vip, alfreds, bottom) == 2
    assert await classify(shop, price, alfreds) == 1
    assert await classify(shop, banks, alfreds) == 1
    assert await classify(shop, potential, bottom, alfreds) == 2
    assert await classify(shop, potential, bottom, alfreds) == 0
    assert await standing(shop) == [
        ("Alfreds", "BANKS", "OWN:行业"),
        ("Alfreds", "POT", "VALUE"),
        ("Alfreds", "PRICE", "NEED"),
        ("Bottom-Dollar", "POT", "VALUE"),
    ]
    with pytest.raises(Refused) as refused:
        await shop.create("classified_customer", customer_id=alfreds, class_id=vip)
    assert codes(refused) == [("dimension", "ALREADY_EXISTS")]
    assert len(await standing(shop)) == 4
    cycles = await shop.fetch(f"SELECT c.name, {CYCLE_SQL} AS days FROM customer c ORDER BY c.name")
    assert [tuple(row.values()) for row in cycles] == [("Alfreds", 21), ("Bottom-Dollar", 30)]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"colour": "#ffee88"}, ("colour", "COLOUR_UNREADABLE")),
        ({"colour": "red"}, ("colour", "INVALID_COLOUR")),
        ({"cycle_days": 0}, ("cycleDays", "OUT_OF_RANGE")),
        ({"dimension": "OWN"}, ("ownDimension", "REQUIRED")),
        ({"own_dimension": "行业"}, ("ownDimension", "NOT_OWN_DIMENSION")),
        ({"dimension": "GRADE"}, ("dimension", "UNKNOWN_VALUE")),
        ({"code": "POT"}, ("code", "ALREADY_EXISTS")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
async def test_a_class_that_makes_no_sense_is_refused(shop, said, wrong):
    await shop.create("customer_class", **POTENTIAL)
    with pytest.raises(Refused) as refused:
        await shop.create("customer_class", **VIP | said)
    assert codes(refused) == [wrong]
    assert await shop.value("SELECT count(*) FROM customer_class") == 1


async def test_a_class_stays_while_customers_are_in_it_and_is_then_given_to_nobody(shop):
    vip = await shop.create("customer_class", **VIP)
    customer = await shop.create("customer", name="Alfreds")
    await classify(shop, vip, customer)
    with pytest.raises(Refused) as refused:
        await shop.archive("customer_class", vip)
    assert [error.code for error in refused.value.errors] == ["CLASS_IN_USE"]
    await shop.archive("classified_customer", await shop.value("SELECT id FROM classified_customer"))
    await shop.archive("customer_class", vip)
    with pytest.raises(Refused) as refused:
        await shop.create("classified_customer", customer_id=customer, class_id=vip)
    assert codes(refused) == [("classId", "CLASS_ARCHIVED")]
    assert await standing(shop) == []


@pytest.mark.requirement("A11")
async def test_a_representative_classes_their_own_customers_all_or_none(shop):
    vip, potential = [await shop.create("customer_class", **one) for one in (VIP, POTENTIAL)]
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    own = await shop.create("customer", name="Alfreds", owner_id=nancy)
    other = await shop.create("customer", name="Bottom-Dollar")
    as_nancy = await shop.as_member(nancy)
    with pytest.raises(Refused) as refused:
        await classify(shop, vip, own, other, viewer=as_nancy)
    assert [(error.path, error.code) for error in refused.value.errors] == [
        (("input", "customerIds", 1, "customerId"), "NOT_FOUND")
    ]
    assert await standing(shop) == []
    await classify(shop, vip, own, viewer=as_nancy)
    await classify(shop, potential, own, viewer=as_nancy)  # taking out of one and putting into another
    assert await standing(shop) == [("Alfreds", "POT", "VALUE")]
    with pytest.raises(Refused):
        await shop.create("customer_class", viewer=as_nancy, **PRICE)
    with pytest.raises(NotFound):
        await classify(shop, new_id(), own, viewer=as_nancy)


@pytest.mark.requirement("F1")
async def test_another_class_moves_the_next_contact(shop):
    vip, potential = [await shop.create("customer_class", **one) for one in (VIP, POTENTIAL)]
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    planned = []
    for wanted in (vip, potential):
        await classify(shop, wanted, customer)
        await shop.work()
        rows = await shop.fetch("SELECT due_on FROM follow_up_plan WHERE state = 'PLANNED'")
        planned.append([row["due_on"] for row in rows])
    assert planned == [[date(2026, 3, 16)], [date(2026, 4, 1)]]  # Monday, 2 March, and 14 and 30 days


async def test_too_many_at_once_are_refused(shop):
    vip = await shop.create("customer_class", **VIP)
    with pytest.raises(BadUserInput) as refused:
        await classify(shop, vip, *(new_id() for _ in range(classes.MOST_CLASSIFIED + 1)))
    assert refused.value.params == {"limit": 5_000}
