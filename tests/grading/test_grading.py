"""Putting schemes in force, and what moves a customer's grade."""

import asyncio
from datetime import date, timedelta

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_platform.work import job_status
from kedang_tenants.changing import Change
from kedang_tenants.grading.grades import grade_customers
from kedang_tenants.grading.publishing import publish_scheme
from kedang_tenants.grading.schemes import SchemeNotPublished, grade_everybody, seed_grading
from kedang_tenants.people.viewers import system_viewer

RECENTLY = date(2026, 1, 15)


async def grade(shop, customer):
    return await shop.value(
        "SELECT l.code FROM customer c JOIN grade_level l ON l.id = c.grade_level_id WHERE c.id = $1",
        customer,
    )


async def events(shop, name):
    return await shop.value("SELECT count(*) FROM audit WHERE action = $1", name)


async def state_of(shop):
    """Everything that a refused grading could have touched."""
    return [
        await shop.fetch(f"SELECT * FROM {table} ORDER BY id")
        for table in ("grade_scheme", "grade_level", "customer_grade", "customer")
    ] + [await shop.value("SELECT count(*) FROM audit")]


@pytest.mark.requirement("G1")
async def test_a_company_begins_with_levels_a_to_e_as_a_draft_that_grades_nobody(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        scheme = await seed_grading(write, await shop.product(), clock=shop.clock)
    await shop.work()
    assert await shop.value("SELECT state FROM grade_scheme") == "DRAFT"
    assert await grade(shop, customer) is None
    levels = await shop.fetch(
        "SELECT code, colour, position, cycle_days, name FROM grade_level WHERE scheme_id = $1 ORDER BY position",
        scheme,
    )
    assert [(level["code"], level["position"], level["cycle_days"]) for level in levels] == [
        ("A", 1, 14),
        ("B", 2, 30),
        ("C", 3, 60),
        ("D", 4, 90),
        ("E", 5, 180),
    ]
    assert orjson.loads(levels[0]["name"]).keys() == {"en", "zh"}


async def test_orders_move_the_grade_as_they_come_change_and_go(shop):
    customer = await shop.create("customer", name="Alfreds Futterkiste", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.work()
    assert await grade(shop, customer) == "E"

    order = await shop.order(customer, RECENTLY, ("100", "100"))
    await shop.work()
    assert await grade(shop, customer) == "B"

    line = await shop.value("SELECT id FROM order_line")
    await shop.update("order_line", line, quantity=200)
    await shop.work()
    assert await grade(shop, customer) == "A"

    await shop.update("order", order, state="CANCELLED")
    await shop.work()
    assert await grade(shop, customer) == "E"

    await shop.update("order", order, state="DELIVERED")
    await shop.archive("order_line", line)
    await shop.work()
    assert await grade(shop, customer) == "E"
    history = await shop.fetch(
        "SELECT l.code, g.current, g.ended_at IS NULL AS open FROM customer_grade g"
        " JOIN grade_level l ON l.id = g.level_id ORDER BY g.id"
    )
    assert [row["code"] for row in history] == ["E", "B", "A", "E"]
    assert [row["current"] for row in history] == [False, False, False, True]
    assert [row["open"] for row in history] == [False, False, False, True]
    assert await events(shop, "customer.graded") == 4
    assert await shop.value("SELECT version FROM customer WHERE id = $1", customer) == 1


async def test_orders_in_other_currencies_outside_the_period_or_archived_do_not_count(shop):
    customer = await shop.create("customer", name="Berglunds snabbköp", roles=["BUYER"])
    await shop.order(customer, RECENTLY, ("1", "99999"), currency="EUR")
    await shop.order(customer, date(2025, 3, 2), ("1", "99999"))
    await shop.order(customer, date(2026, 3, 3), ("1", "99999"))
    gone = await shop.order(customer, RECENTLY, ("1", "99999"))
    await shop.archive("order", gone)
    await shop.publish_default_scheme()
    await shop.work()
    assert await grade(shop, customer) == "E"


async def test_who_only_supplies_has_no_grade_and_loses_it_on_becoming_a_supplier_only(shop):
    supplier = await shop.create("customer", name="Exotic Liquids", directory="PARTNER", roles=["SUPPLIER"])
    both = await shop.create(
        "customer", name="Tokyo Traders", directory="PARTNER", roles=["SUPPLIER", "BUYER"]
    )
    nothing_said = await shop.create("customer", name="Around the Horn")
    bank = await shop.create("customer", name="Bank", directory="PARTNER")
    await shop.publish_default_scheme()
    await shop.work()
    assert [await grade(shop, c) for c in (supplier, both, nothing_said, bank)] == [None, "E", "E", None]

    await shop.update("customer", both, roles=["SUPPLIER"])
    await shop.update("customer", supplier, roles=["BUYER"])
    await shop.work()
    assert [await grade(shop, c) for c in (supplier, both)] == ["E", None]
    assert (
        await shop.value("SELECT count(*) FROM customer_grade WHERE current AND customer_id = $1", both) == 0
    )


async def test_figures_are_kept_up_to_date_without_a_new_grade(shop):
    customer = await shop.create("customer", name="Bólido Comidas preparadas", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", "10"))
    await shop.work()
    await shop.order(customer, RECENTLY, ("1", "15"))
    await shop.work()
    rows = await shop.fetch("SELECT figures, explanation FROM customer_grade WHERE current")
    figures = orjson.loads(rows[0]["figures"])
    assert (figures["value"], figures["orders"]) == (2500, 2)
    assert orjson.loads(rows[0]["explanation"])["en"].startswith(
        "Sales from 2025-03-03 to 2026-03-02: 25.00 USD, orders: 2. Level D takes more than 0 USD."
    )
    assert await events(shop, "customer.graded") == 1


@pytest.mark.requirement("T8", "G3")
async def test_what_is_edited_counts_when_it_is_published_under_the_next_version(shop):
    customer = await shop.create("customer", name="Bon app'", roles=["BUYER"])
    scheme = await shop.publish_default_scheme()
    await shop.order(customer, RECENTLY, ("1", "12000"))
    await shop.work()
    assert await grade(shop, customer) == "B"

    a = await shop.value("SELECT id FROM grade_level WHERE code = 'A'")
    await shop.update("grade_level", a, minimum=12000)
    await shop.order(customer, RECENTLY, ("1", "1"))
    await shop.work()
    assert await grade(shop, customer) == "B"

    await shop.publish(scheme)
    await shop.work()
    assert await grade(shop, customer) == "A"
    versions = await shop.fetch(
        "SELECT l.code, g.rule_version FROM customer_grade g JOIN grade_level l ON l.id = g.level_id ORDER BY g.id"
    )
    assert [(row["code"], row["rule_version"]) for row in versions] == [("B", 1), ("A", 2)]

    audited = await shop.value("SELECT count(*) FROM audit")
    await shop.publish(scheme)
    await shop.work()
    assert await shop.value("SELECT rule_version FROM grade_scheme") == 2
    assert await shop.value("SELECT count(*) FROM audit") == audited


async def test_a_scheme_with_faults_is_not_put_in_force(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    levels = {r["code"]: r["id"] for r in await shop.fetch("SELECT id, code FROM grade_level")}
    await shop.update("grade_level", levels["B"], minimum=30000)
    await shop.update("grade_level", levels["E"], minimum=-1)
    await shop.update("grade_scheme", scheme, period="CALENDAR_YEAR")
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await shop.publish(scheme)
    assert [(error.code, error.path) for error in refused.value.errors] == [
        ("YEAR_MISSING", ("input", "year")),
        ("NO_LAST_LEVEL", ("input", "levels")),
        ("THRESHOLDS_OVERLAP", ("input", "levels")),
    ]
    assert await state_of(shop) == before
    assert (await shop.work()).total == 0


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"cycle_days": 0}, "OUT_OF_RANGE"),
        ({"cycle_days": 3651}, "OUT_OF_RANGE"),
        ({"colour": "red"}, "INVALID_COLOUR"),
        ({"code": "B"}, "ALREADY_EXISTS"),
        ({"minimum": "12.1234567"}, "TOO_PRECISE"),
    ],
)
async def test_an_impossible_level_is_refused(shop, values, code):
    await shop.publish_default_scheme()
    a = await shop.value("SELECT id FROM grade_level WHERE code = 'A'")
    before = await state_of(shop)
    with pytest.raises(Refused) as refused:
        await shop.update("grade_level", a, **values)
    assert [error.code for error in refused.value.errors] == [code]
    assert await state_of(shop) == before


async def test_what_is_in_force_is_not_archived_and_only_one_scheme_leads(shop):
    scheme = await shop.publish_default_scheme()
    a = await shop.value("SELECT id FROM grade_level WHERE code = 'A'")
    for record, record_id, code in (
        ("grade_level", a, "LEVEL_IN_FORCE"),
        ("grade_scheme", scheme, "SCHEME_IN_FORCE"),
    ):
        with pytest.raises(Refused) as refused:
            await shop.archive(record, record_id)
        assert [error.code for error in refused.value.errors] == [code]
    with pytest.raises(Refused) as refused:
        await shop.create("grade_scheme", name="Second", leads=True)
    assert [error.code for error in refused.value.errors] == ["ANOTHER_SCHEME_LEADS"]
    two = [Change("grade_scheme", "create", values={"name": name, "leads": True}) for name in ("One", "Two")]
    await shop.update("grade_scheme", scheme, leads=False)
    with pytest.raises(Refused) as refused:
        await shop.change(*two)
    assert [error.code for error in refused.value.errors] == ["ANOTHER_SCHEME_LEADS"]
    assert await shop.value("SELECT count(*) FROM grade_scheme WHERE archived_at IS NULL") == 1


async def test_another_scheme_that_comes_to_lead_shows_its_grades(shop):
    customer = await shop.create("customer", name="Bottom-Dollar Markets", roles=["BUYER"])
    old = await shop.publish_default_scheme()
    new = await shop.create("grade_scheme", name="Simple")
    await shop.create(
        "grade_level", scheme_id=new, code="ALL", name={"en": "All"}, colour="#123456", position=1
    )
    await shop.publish(new)
    await shop.work()
    assert await grade(shop, customer) == "E"
    assert await shop.value("SELECT count(*) FROM customer_grade WHERE current") == 2

    await shop.update("grade_scheme", old, leads=False)
    await shop.update("grade_scheme", new, leads=True)
    await shop.work()
    assert await grade(shop, customer) == "ALL"


async def test_the_last_twelve_months_move_on_every_night(shop):
    customer = await shop.create("customer", name="Comércio Mineiro", roles=["BUYER"])
    await shop.order(customer, date(2025, 3, 3), ("1", "5000"))
    await shop.publish_default_scheme()
    await shop.work()
    assert await grade(shop, customer) == "C"
    shop.clock.move(timedelta(days=1))
    from kedang_tenants.grading.events import grade_by_passing_time

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await grade_by_passing_time(write)
    await shop.work()
    assert await grade(shop, customer) == "E"


async def test_only_those_who_set_up_the_company_publish_and_grade(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    davolio = await shop.as_member(await shop.hire("Nancy Davolio", "REPRESENTATIVE"))
    await shop.work()
    before = await state_of(shop)
    with pytest.raises(Forbidden):
        await shop.publish(scheme, viewer=davolio)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await grade_everybody(write, davolio, scheme_id=scheme)
        with pytest.raises(NotFound):
            await publish_scheme(write, shop.viewer, scheme_id=new_id(), clock=shop.clock)
        draft = await shop.create("grade_scheme", name="Draft")
        with pytest.raises(SchemeNotPublished):
            await grade_everybody(write, shop.viewer, scheme_id=draft)
    await shop.archive("grade_scheme", draft)
    assert (await state_of(shop))[1:4] == before[1:4]


async def test_grading_everybody_is_a_job_that_tells_how_far_it_is(shop):
    await shop.create_many("customer", [{"name": f"Customer {n}", "roles": ["BUYER"]} for n in range(7)])
    await shop.work()
    scheme = await shop.publish_default_scheme()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        job = await grade_everybody(write, shop.viewer, scheme_id=scheme)
    await shop.work()
    async with shop.databases.tenant_read(shop.company.ref) as read:
        status = await job_status(read, job)
    assert (status.state, status.progress.done, status.progress.total) == ("done", 7, 7)
    assert await shop.value("SELECT count(*) FROM customer_grade") == 7
    assert await events(shop, "customer.graded") == 7


async def test_gradings_at_once_leave_one_grade_that_has_seen_every_order(shop):
    customer = await shop.create("customer", name="Eastern Connection", roles=["BUYER"])
    await shop.publish_default_scheme()
    await shop.work()

    async def sell_and_grade():
        await shop.order(customer, RECENTLY, ("1", "2500"))
        async with shop.databases.tenant_write(shop.company.ref) as write:
            viewer = await system_viewer(write, company=shop.company)
            await grade_customers(write, viewer, [customer], clock=shop.clock)

    await shop.create("product", number="1", name="Chai")
    await asyncio.gather(*(sell_and_grade() for _ in range(4)))
    assert await grade(shop, customer) == "B"
    (current,) = await shop.fetch("SELECT figures FROM customer_grade WHERE current")
    assert orjson.loads(current["figures"])["value"] == 1_000_000
