"""Sales processes: the stages of a demand are those of its customer's class."""

import pytest

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.classing import processes
from kedang_tenants.classing.processes import KIND, stages_of
from kedang_tenants.rules import establish

pytestmark = pytest.mark.requirement("P2", "T8")
TENDER = {"code": "TENDER", "name": {"en": "Tender", "zh": "招标"}}
AWARD = {"code": "AWARD", "name": {"en": "Award", "zh": "中标"}}
FIRST = {"code": "FIRST_CALL", "name": {"en": "First call", "zh": "首次致电"}}
OTHERS = {"stages": [FIRST, AWARD]}


@pytest.fixture
async def customers(shop):
    """One in the class KEY, and one in none."""
    key, plain = [await shop.create("customer", name=name) for name in ("Ernst Handel", "Alfreds")]
    named = {"en": "Key customers", "zh": "大客户"}
    shown = {"code": "KEY", "name": named, "dimension": "VALUE", "colour": "#112233"}
    key_class = await shop.create("customer_class", **shown)
    await shop.create("classified_customer", customer_id=key, class_id=key_class)
    return key, plain


async def put_in_force(shop, *process):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        content = {"processes": list(process)}
        await establish(write, await shop.product(), kind=KIND, content=content, clock=shop.clock)


async def told(shop, demand):
    (row,) = await shop.fetch("SELECT stage, stage_name, version FROM demand WHERE id = $1", demand)
    return row["stage"], row["stage_name"], row["version"]


async def codes_for(shop, customer, viewer=None):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        found = await stages_of(read, viewer or shop.viewer, customer_id=customer)
    return None if found is None else [stage.code for stage in found]


async def test_a_demand_goes_through_the_stages_of_its_customers_class(shop, customers):
    key, plain = customers
    six = ["CONTACT", "NEED", "SOLUTION", "QUOTED", "NEGOTIATION", "CLOSING"]
    assert await codes_for(shop, key) == await codes_for(shop, plain) == six
    old = await shop.create("demand", title="Tea", customer_id=key, stage="QUOTED")
    assert (await told(shop, old))[0] == "QUOTED"
    await put_in_force(shop, {"class": "KEY", "stages": [TENDER, AWARD]}, OTHERS)
    assert await codes_for(shop, key) == ["TENDER", "AWARD"]
    assert await codes_for(shop, plain) == ["FIRST_CALL", "AWARD"]
    assert await codes_for(shop, new_id()) is None
    stranger = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    assert await codes_for(shop, key, stranger) is None
    one, two = [await shop.create("demand", title="Tea", customer_id=customer) for customer in customers]
    assert (await told(shop, one))[:2] == ("TENDER", '{"en": "Tender", "zh": "招标"}')
    assert (await told(shop, two))[:2] == ("FIRST_CALL", '{"en": "First call", "zh": "首次致电"}')
    await shop.update("demand", one, stage="中标")  # as a file may say it
    assert (await told(shop, one))[:2] == ("AWARD", '{"en": "Award", "zh": "中标"}')
    for demand, stage in ((two, "TENDER"), (one, "FIRST_CALL"), (one, "QUOTED")):
        before = await told(shop, demand)
        with pytest.raises(Refused) as refused:
            await shop.update("demand", demand, stage=stage)
        assert [(error.code, error.path[-1]) for error in refused.value.errors] == [
            ("UNKNOWN_VALUE", "stage")
        ]
        assert await told(shop, demand) == before
    # What stands stays, and is no obstacle to anything else that is said of it.
    await shop.update("demand", old, stage="QUOTED", title="Green tea")
    assert await told(shop, old) == ("QUOTED", '{"en": "Quoted", "zh": "已报价"}', 2)
    for values in ({"stage": None}, {"stage": " "}, {"stage_name": {"en": "x", "zh": "x"}}):
        with pytest.raises(Refused):
            await shop.update("demand", old, **values)
    assert (await told(shop, old))[2] == 2


async def test_many_demands_at_once_each_have_the_stages_of_their_own(shop, customers):
    await put_in_force(shop, {"class": "KEY", "stages": [TENDER]}, OTHERS)
    given = [{"title": "Tea", "customer_id": customer} for customer in (*customers, *customers)]
    made = await shop.change(*(Change("demand", "create", values=values) for values in given))
    assert [(await told(shop, one))[0] for one in made] == ["TENDER", "FIRST_CALL"] * 2


def stage(**values):
    return {"stages": [FIRST | values]}


@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({}, "INVALID_CONTENT", ("processes",)),
        ({"processes": []}, "INVALID_CONTENT", ("processes",)),
        ({"processes": ["x"]}, "INVALID_CONTENT", ("processes",)),
        ({"processes": [OTHERS], "more": 1}, "INVALID_CONTENT", ("processes",)),
        ({"processes": [OTHERS] * 51}, "INVALID_CONTENT", ("processes",)),
        ({"processes": [{"stages": []}]}, "INVALID_CONTENT", ("processes", 0)),
        ({"processes": [{"stages": [FIRST] * 21}]}, "INVALID_CONTENT", ("processes", 0)),
        ({"processes": [{"class": 7, "stages": [FIRST]}, OTHERS]}, "INVALID_CONTENT", ("processes", 0)),
        ({"processes": [OTHERS | {"colour": "red"}]}, "INVALID_CONTENT", ("processes", 0)),
        ({"processes": [stage(code="first")]}, "INVALID_CONTENT", ("processes", 0, "stages", 0)),
        ({"processes": [stage(code=1)]}, "INVALID_CONTENT", ("processes", 0, "stages", 0)),
        ({"processes": [stage(name={"en": "x"})]}, "INVALID_CONTENT", ("processes", 0, "stages", 0)),
        (
            {"processes": [stage(name={"en": "x", "zh": " "})]},
            "INVALID_CONTENT",
            ("processes", 0, "stages", 0),
        ),
        ({"processes": [stage(probability=5)]}, "INVALID_CONTENT", ("processes", 0, "stages", 0)),
        (
            {"processes": [{"stages": [FIRST, AWARD, FIRST]}]},
            "STAGE_REPEATED",
            ("processes", 0, "stages", 2, "code"),
        ),
        ({"processes": [OTHERS | {"class": "KEY"}]}, "INVALID_CONTENT", ("processes",)),
        ({"processes": [OTHERS, OTHERS]}, "INVALID_CONTENT", ("processes",)),
        (
            {"processes": [OTHERS | {"class": "KEY"}, OTHERS | {"class": "KEY"}, OTHERS]},
            "PROCESS_REPEATED",
            ("processes", 1, "class"),
        ),
        ({"processes": [OTHERS | {"class": "GOLD"}, OTHERS]}, "NOT_FOUND", ("processes", 0, "class")),
    ],
)
async def test_processes_that_cannot_be_are_refused(shop, customers, content, code, path):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        errors = await processes.check(read, shop.viewer, content)
    assert [(error.code, error.path) for error in errors] == [(code, path)]
