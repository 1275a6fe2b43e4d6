"""Forms by kind of customer: own fields of follow-up records that are asked of one class's customers alone (F3)."""

import orjson
import pytest

from kedang_platform.errors import Refused
from kedang_tenants.changing import Change

pytestmark = pytest.mark.requirement("F3", "A4")


async def define(shop, key, **said):
    values = {"record": "follow_up_record", "key": key, "kind": "TEXT", "label": {"en": key}, **said}
    (made,) = await shop.change(Change("custom_field", "create", values=values))
    return made.hex


@pytest.fixture
async def form(shop):
    """A plant, in its class, and a shop; what is asked of plants must be filled in."""
    found = {"nancy": await shop.hire("Nancy", "REPRESENTATIVE")}
    found["plants"] = await shop.create(
        "customer_class", code="PLANT", name={"en": "Plants"}, dimension="NEED", colour="#7a1f1f"
    )
    for name in ("plant", "shop"):
        found[name] = await shop.create("customer", name=name, owner_id=found["nancy"])
    await shop.create("classified_customer", customer_id=found["plant"], class_id=found["plants"])
    found["hours"] = await define(shop, "hours", required=True, customer_class_id=found["plants"])
    found["mood"] = await define(shop, "mood")
    return found


async def record(shop, form, customer, **custom):
    values = {"customer_id": form[customer], "at": shop.clock.now(), "way": "VISIT"}
    made = Change("follow_up_record", "create", values=values, custom=custom)
    (done,) = await shop.change(made, viewer=await shop.as_member(form["nancy"]))
    return done


async def refused(shop, form, change):
    count = "SELECT count(*) FROM follow_up_record"
    before = await shop.value(count)
    with pytest.raises(Refused) as raised:
        await shop.change(change, viewer=await shop.as_member(form["nancy"]))
    assert await shop.value(count) == before
    return [(error.code, error.path) for error in raised.value.errors]


def new(shop, form, customer, **custom):
    values = {"customer_id": form[customer], "at": shop.clock.now(), "way": "VISIT"}
    return Change("follow_up_record", "create", values=values, custom=custom)


async def custom_of(shop, made):
    return orjson.loads(await shop.value("SELECT custom FROM follow_up_record WHERE id = $1", made))


async def test_what_is_asked_of_a_class_is_filled_in_for_its_customers_alone(shop, form):
    path = ("input", "customFields", "hours")
    assert await refused(shop, form, new(shop, form, "plant", mood="good")) == [("REQUIRED", path)]
    assert await refused(shop, form, new(shop, form, "shop", hours="20")) == [("NOT_ON_THIS_FORM", path)]
    plant = await record(shop, form, "plant", hours="20", mood="good")
    assert await custom_of(shop, plant) == {form["hours"]: "20", form["mood"]: "good"}
    assert await custom_of(shop, await record(shop, form, "shop", mood="bad")) == {form["mood"]: "bad"}
    emptied = Change("follow_up_record", "update", plant, custom={"hours": None})
    assert await refused(shop, form, emptied) == [("REQUIRED", path)]


async def test_what_stands_there_stays_when_the_customer_leaves_the_class(shop, form):
    plant = await record(shop, form, "plant", hours="20")
    await shop.archive("classified_customer", await shop.value("SELECT id FROM classified_customer"))
    viewer = await shop.as_member(form["nancy"])
    for values, custom in (({"content": "Seen"}, {}), ({}, {"hours": "20", "mood": "good"})):
        await shop.change(
            Change("follow_up_record", "update", plant, values=values, custom=custom), viewer=viewer
        )
    assert await custom_of(shop, plant) == {form["hours"]: "20", form["mood"]: "good"}
    other = Change("follow_up_record", "update", plant, custom={"hours": "21"})
    assert await refused(shop, form, other) == [("NOT_ON_THIS_FORM", ("input", "customFields", "hours"))]
    await shop.change(Change("follow_up_record", "update", plant, custom={"hours": None}), viewer=viewer)
    assert await custom_of(shop, plant) == {form["mood"]: "good"}


async def test_only_records_with_such_forms_have_fields_of_a_class(shop, form):
    with pytest.raises(Refused) as raised:
        await shop.change(Change("custom_field", "create", values={
            "record": "demand", "key": "hours", "kind": "TEXT", "label": {"en": "H"}, "customer_class_id": form["plants"],
        }))  # fmt: skip
    assert [(error.code, error.path) for error in raised.value.errors] == [
        ("NO_FORMS_HERE", ("input", "customerClassId"))
    ]
    assert await shop.value("SELECT count(*) FROM custom_field") == 2
