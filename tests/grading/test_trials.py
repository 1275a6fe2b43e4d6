"""Dry runs and back-tests: they say what the run does, and touch nobody (G3)."""

from collections import Counter
from datetime import date, timedelta
from random import Random
from uuid import UUID

import orjson
import pytest

from kedang_platform.errors import Forbidden, Refused
from kedang_tenants.grading import trying
from kedang_tenants.grading.moving import WrongDays, movement
from kedang_tenants.grading.trying import TooManyTrials, back_test_grade_rule, try_grade_rule
from tests.grading.test_levels import by_hand_scheme, give, shown, state_of
from tests.grading.test_versions import EASY, draft, publish, thresholds

pytestmark = pytest.mark.requirement("G3")
RECENTLY = date(2026, 1, 15)
LOW = thresholds(("C", "100"), ("D", "50"), ("E", None))


async def ask(shop, verb, rule, *, viewer=None, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        trial, _ = await verb(write, viewer or shop.viewer, rule_id=rule, clock=shop.clock, **said)
    return trial


async def tried(shop, verb, rule, **said):
    trial = await ask(shop, verb, rule, **said)
    await shop.work()
    (row,) = await shop.fetch("SELECT * FROM grade_trial WHERE id = $1", trial)
    assert row["state"] == "DONE"
    return row, orjson.loads(row["outcome"])


async def codes_of(shop):
    rows = await shop.fetch("SELECT id, code FROM grade_level")
    return {f"gle_{row['id'].hex}": row["code"] for row in rows} | {None: None}


async def rows_of(shop, trial):
    return [
        tuple(row.values())
        for row in await shop.fetch(
            "SELECT c.name, r.move, f.code AS before, t.code AS after FROM grade_trial_row r"
            " JOIN customer c ON c.id = r.customer_id LEFT JOIN grade_level f ON f.id = r.from_level_id"
            " LEFT JOIN grade_level t ON t.id = r.to_level_id WHERE r.trial_id = $1 ORDER BY r.as_of, c.name",
            trial,
        )
    ]


async def three_customers(shop):
    """With sales of 75, 12,000 and none: D, B and E."""
    made = {}
    for name, sum_of in (("Alfreds", "75"), ("Bon app", "12000"), ("Chop-suey", None)):
        made[name] = await shop.create("customer", name=name, roles=["BUYER"])
        if sum_of:
            await shop.order(made[name], RECENTLY, ("1", sum_of))
    return made


async def test_a_dry_run_says_who_would_move_and_moves_nobody(shop):
    customers = await three_customers(shop)
    supplier = await shop.create("customer", name="Exotic", directory="PARTNER", roles=["SUPPLIER"])
    scheme = await shop.publish_default_scheme()
    await shop.work()
    levels = {row["code"]: row["id"] for row in await shop.fetch("SELECT id, code FROM grade_level")}
    await give(shop, customers["Chop-suey"], levels["C"], until=date(2026, 6, 30))
    rule = await draft(shop, scheme)
    await shop.work()
    before = await state_of(shop)
    row, outcome = await tried(shop, try_grade_rule, rule)
    codes = await codes_of(shop)
    moves = {(codes[one["from"]], codes[one["to"]]): one["customers"] for one in outcome["moves"]}
    assert moves == {("B", "A"): 1, ("C", "C"): 1, ("D", "B"): 1}
    counted = {codes[one["level"]]: (one["before"], one["after"]) for one in outcome["levels"]}
    assert counted == {"A": (0, 1), "B": (1, 1), "C": (1, 1), "D": (1, 0)}
    assert (row["seen"], row["moved"], row["kept_by_hand"]) == (3, 2, 1)
    assert await rows_of(shop, row["id"]) == [("Alfreds", "UP", "D", "B"), ("Bon app", "UP", "B", "A")]
    (kept,) = await shop.fetch(
        "SELECT figures, explanation FROM grade_trial_row WHERE customer_id = $1", customers["Alfreds"]
    )
    assert orjson.loads(kept["explanation"]).keys() == {"en", "zh"}
    assert orjson.loads(kept["figures"])
    after = await state_of(shop)
    assert after[:-1] == before[:-1]  # but for the trial itself in the trail
    assert await shown(shop, supplier) is None

    await publish(shop, rule)
    await shop.work()
    assert [await shown(shop, c) for c in customers.values()] == ["B", "A", "C"]


async def test_a_dry_run_of_a_first_rule_and_of_one_that_gives_nothing(shop):
    await three_customers(shop)
    scheme = await shop.create("grade_scheme", name="New")
    for position, code in enumerate("AE", start=1):
        await shop.create(
            "grade_level", scheme_id=scheme, code=code, name={"en": code}, colour="#123456", position=position
        )
    rule = await draft(shop, scheme, thresholds(("A", "100"), ("E", None)))
    row, _ = await tried(shop, try_grade_rule, rule)
    assert (row["seen"], row["moved"], row["kept_by_hand"]) == (3, 3, 0)
    assert await rows_of(shop, row["id"]) == [
        ("Alfreds", "NEW", None, "E"),
        ("Bon app", "NEW", None, "A"),
        ("Chop-suey", "NEW", None, "E"),
    ]


@pytest.mark.requirement("G2")
async def test_under_one_version_nobody_falls_before_the_guard_lets_them(shop):
    customer = await shop.create("customer", name="Alfreds", roles=["BUYER"])
    order = await shop.order(customer, RECENTLY, ("1", "150"))
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme, EASY | {"guard": {"days": 30}})
    await publish(shop, rule)
    await shop.work()
    assert await shown(shop, customer) == "A"
    await shop.update("order", order, state="CANCELLED")
    await shop.work()
    assert await shown(shop, customer) == "A"
    (grade,) = await shop.fetch("SELECT figures FROM customer_grade WHERE current")
    assert orjson.loads(grade["figures"])["held"] == {"level": "A", "until": "2026-04-01"}
    row, _ = await tried(shop, try_grade_rule, rule)
    assert row["moved"] == 0

    shop.clock.move(timedelta(days=30))
    row, _ = await tried(shop, try_grade_rule, rule)
    assert await rows_of(shop, row["id"]) == [("Alfreds", "DOWN", "A", "E")]
    await shop.update("order", order, state="OPEN")
    await shop.update("order", order, state="CANCELLED")
    await shop.work()
    assert await shown(shop, customer) == "E"


async def test_a_back_test_walks_through_past_months(shop):
    """Sales of 60 on 15 January 2026 count for twelve months from their month's end on; none before."""
    await three_customers(shop)
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme)
    row, outcome = await tried(shop, back_test_grade_rule, rule, months=4)
    months = outcome["months"]
    assert [month["asOf"] for month in months] == ["2025-11-30", "2025-12-31", "2026-01-31", "2026-02-28"]
    codes = await codes_of(shop)
    counted = [{codes[one["level"]]: one["customers"] for one in month["levels"]} for month in months]
    assert counted == [{"E": 3}, {"E": 3}, {"A": 1, "B": 1, "E": 1}, {"A": 1, "B": 1, "E": 1}]
    moves = [
        {(codes[one["from"]], codes[one["to"]]): one["customers"] for one in month["moves"]}
        for month in months
    ]
    assert moves == [{}, {}, {("E", "A"): 1, ("E", "B"): 1}, {}]
    assert (row["seen"], row["moved"], row["as_of"], row["months"]) == (3, 2, date(2026, 2, 28), 4)
    assert outcome["movesOfCustomers"] == {"1": 2}
    assert await rows_of(shop, row["id"]) == [("Alfreds", "UP", "E", "B"), ("Bon app", "UP", "E", "A")]


async def test_a_back_test_follows_the_guard_from_month_to_month(shop):
    customer = await shop.create("customer", name="Alfreds", roles=["BUYER"])
    # Twelve months of 150 end with January 2026: without the guard the customer falls in February.
    await shop.order(customer, date(2025, 2, 10), ("1", "150"))
    scheme = await shop.publish_default_scheme()
    await shop.work()
    monthly = thresholds(("A", "100"), ("E", None)) | {"period": {"kind": "LAST_MONTHS", "months": 1}}
    for number, (guard, expected) in enumerate(
        ((0, ["E", "A", "E", "E"]), (45, ["E", "A", "A", "E"]), (365, ["E", "A", "A", "A"]))
    ):
        rule = await draft(shop, scheme, monthly | {"guard": {"days": guard}})
        _, outcome = await tried(shop, back_test_grade_rule, rule, months=14)
        codes = await codes_of(shop)
        found = [codes[month["levels"][0]["level"]] for month in outcome["months"]]
        assert found[:4] == expected, number
        from tests.grading.test_versions import discard

        await discard(shop, rule)


async def test_trials_that_cannot_be_are_refused_and_old_ones_go(shop, monkeypatch):
    monkeypatch.setattr("kedang_tenants.grading.trying.MOST_WAITING", 2)
    await three_customers(shop)
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme)
    davolio = await shop.as_member(await shop.hire("Nancy Davolio", "GENERAL_MANAGER"))
    for verb in (try_grade_rule, back_test_grade_rule):
        with pytest.raises(Forbidden):
            await ask(shop, verb, rule, viewer=davolio)
    for verb, said in (
        (try_grade_rule, {"as_of": date(2026, 3, 1)}),
        (try_grade_rule, {"as_of": date(2027, 3, 4)}),
        (back_test_grade_rule, {"months": 1}),
        (back_test_grade_rule, {"months": 25}),
    ):
        with pytest.raises(Refused) as refused:
            await ask(shop, verb, rule, **said)
        assert [error.code for error in refused.value.errors] == ["OUT_OF_RANGE"]
    assert await shop.value("SELECT count(*) FROM grade_trial") == 0
    for _ in range(2):
        await ask(shop, try_grade_rule, rule)
    with pytest.raises(TooManyTrials):
        await ask(shop, try_grade_rule, rule)
    await shop.work()
    shop.clock.move(timedelta(days=30, seconds=1))
    monkeypatch.setattr(trying, "CHUNK", 3)
    assert await shop.value("SELECT count(*) FROM grade_trial_row") == 4
    parts = []
    async with shop.databases.tenant_write(shop.company.ref) as write:
        after = None
        while not parts or after:
            parts.append(await trying.tidy_part(write, after=after, clock=shop.clock))
            after = parts[-1].last
    assert [(part.seen, part.changed) for part in parts] == [(3, 3), (1, 3)]  # with the trials themselves
    assert await shop.value("SELECT count(*) FROM grade_trial_row") == 0
    assert await shop.value("SELECT count(*) FROM grade_trial") == 0


async def test_a_trial_whose_levels_are_gone_has_failed(shop):
    scheme = await shop.create("grade_scheme", name="New")
    levels = {}
    for position, code in enumerate("AE", start=1):
        levels[code] = await shop.create(
            "grade_level", scheme_id=scheme, code=code, name={"en": code}, colour="#123456", position=position
        )
    rule = await draft(shop, scheme, thresholds(("A", "100"), ("E", None)))
    trial = await ask(shop, try_grade_rule, rule)
    await shop.archive("grade_level", levels["A"])
    await shop.work()
    (row,) = await shop.fetch("SELECT state, outcome, moved FROM grade_trial WHERE id = $1", trial)
    assert tuple(row.values()) == ("FAILED", None, None)


async def test_the_matrix_counts_whom_the_viewer_sees_between_two_days(shop):
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    scheme, levels = await by_hand_scheme(shop, "A", "B")
    mine = await shop.create("customer", name="Mine", owner_id=davolio)
    other = await shop.create("customer", name="Other")
    for customer in (mine, other):
        await give(shop, customer, levels["B"])
    shop.clock.move(timedelta(days=1))
    for customer in (mine, other):
        await give(shop, customer, levels["A"])
    shop.clock.move(timedelta(days=1))
    await give(shop, other, levels["B"])
    await shop.work()

    async def moved(viewer, first, last):
        async with shop.databases.tenant_read(shop.company.ref) as read:
            ways = await movement(read, viewer, scheme_id=scheme, first=first, last=last)
        codes = {level: code for code, level in levels.items()} | {None: None}
        return {(codes[way.before_id], codes[way.after_id]): way.customers for way in ways}

    monday, tuesday, wednesday = (date(2026, 3, day) for day in (2, 3, 4))
    assert await moved(shop.viewer, monday, monday) == {(None, "B"): 2}
    assert await moved(shop.viewer, tuesday, tuesday) == {("B", "A"): 2}
    assert await moved(shop.viewer, tuesday, wednesday) == {("B", "A"): 1, ("B", "B"): 1}
    assert await moved(await shop.as_member(davolio), tuesday, wednesday) == {("B", "A"): 1}
    with pytest.raises(WrongDays):
        await moved(shop.viewer, wednesday, tuesday)


def random_rule(random):
    """A rule of any kind over the levels A to E."""
    codes = [*sorted(random.sample("ABCD", random.randrange(1, 5))), "E"]
    match random.choice(["THRESHOLDS", "PERCENTILES", "SCORE"]):
        case "THRESHOLDS":
            bounds = sorted(random.sample(range(0, 3000, 50), len(codes) - 1), reverse=True)
            return thresholds(*zip(codes, [*map(str, bounds), None], strict=True))
        case "PERCENTILES":
            cuts = sorted(random.sample(range(1, 100), len(codes) - 1))
            shares = [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]
            levels = [{"level": code, "share": share} for code, share in zip(codes, shares, strict=True)]
            return {**EASY, "kind": "PERCENTILES", "levels": levels}
    weight = random.randrange(1, 100)
    bounds = sorted(random.sample(range(1, 100), len(codes) - 1), reverse=True)
    return {
        "kind": "SCORE",
        "criteria": [
            {
                "measure": "SALES",
                "period": {"kind": "LAST_MONTHS", "months": random.choice([1, 6, 24])},
                "weight": weight,
                "bands": [{"minimum": "1000", "points": 100}, {"minimum": "1", "points": 40}, {"points": 0}],
            },
            {"measure": "RECENCY", "weight": 100 - weight, "percentile": "COMPANY"},
        ],
        "minimumKnown": random.choice([0, 50, 100]),
        "levels": [
            {"level": code} | ({"minimum": bound} if bound else {})
            for code, bound in zip(codes, [*bounds, None], strict=True)
        ],
        "unknown": random.choice([None, "E"]),
    }


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_dry_run_says_what_the_run_then_does(shop, seed):
    """Rules of every kind, one after the other, over customers of whom some have their grade by hand."""
    random = Random(seed)
    customers = await shop.create_many(
        "customer", [{"name": f"Customer {number:02}", "roles": ["BUYER"]} for number in range(20)]
    )
    for customer in random.choices(customers, k=24):
        ordered_on = date(2026, 3, 2) - timedelta(days=random.randrange(500))
        await shop.order(customer, ordered_on, ("1", str(random.randrange(1, 3000))))
    scheme = await shop.publish_default_scheme()
    await shop.work()
    levels = [row["id"] for row in await shop.fetch("SELECT id FROM grade_level ORDER BY position")]
    for customer in random.sample(customers, 3):
        until = date(2026, 3, 2) + timedelta(days=random.randrange(40))
        await give(shop, customer, random.choice(levels), until=until)
    held = "SELECT customer_id, level_id FROM customer_grade WHERE current ORDER BY customer_id"
    for _ in range(3):
        rule = await draft(shop, scheme, random_rule(random))
        row, outcome = await tried(shop, try_grade_rule, rule)
        before = {one["customer_id"]: one["level_id"] for one in await shop.fetch(held)}
        told = {
            one["customer_id"]: (one["from_level_id"], one["to_level_id"])
            for one in await shop.fetch("SELECT * FROM grade_trial_row WHERE trial_id = $1", row["id"])
        }
        await publish(shop, rule)
        await shop.work()
        after = {one["customer_id"]: one["level_id"] for one in await shop.fetch(held)}
        ways = {customer: (before.get(customer), after.get(customer)) for customer in {*before, *after}}
        assert told == {customer: way for customer, way in ways.items() if way[0] != way[1]}
        public = {
            tuple(level and UUID(hex=level[4:]) for level in (one["from"], one["to"])): one["customers"]
            for one in outcome["moves"]
        }
        assert public == Counter(ways.values())
        assert (row["seen"], row["moved"]) == (len(after), len(told))
        shop.clock.move(timedelta(days=random.randrange(15)))


async def test_days_at_the_ends_of_the_calendar_are_days_as_others(shop):
    scheme = await shop.publish_default_scheme()
    await three_customers(shop)
    await shop.work()
    for first, last in ((date.min, date.max), (date.max, date.max), (date.min, date.min)):
        async with shop.databases.tenant_read(shop.company.ref) as read:
            ways = await movement(read, shop.viewer, scheme_id=scheme, first=first, last=last)
        assert sum(way.customers for way in ways) == (0 if last == date.min else 3)


async def test_positions_that_are_changed_do_not_make_a_rise_a_fall(shop):
    customer = await shop.create("customer", name="Alfreds", roles=["BUYER"])
    await shop.order(customer, RECENTLY, ("1", "75"))
    scheme = await shop.publish_default_scheme()
    await publish(shop, await draft(shop, scheme, LOW | {"guard": {"days": 30}}))
    await shop.work()
    assert await shown(shop, customer) == "D"
    levels = {row["code"]: row["id"] for row in await shop.fetch("SELECT id, code FROM grade_level")}
    for code, position in (("A", 7), ("B", 6), ("C", 2), ("D", 1)):
        await shop.update("grade_level", levels[code], position=position)
    await shop.order(customer, RECENTLY, ("1", "75"))
    await shop.work()
    assert await shown(shop, customer) == "C"


async def test_trials_that_were_never_made_take_nobodys_place_for_long(shop):
    scheme = await shop.publish_default_scheme()
    await shop.work()
    rule = await draft(shop, scheme)
    for _ in range(20):
        await ask(shop, try_grade_rule, rule)
    shop.clock.move(timedelta(hours=25))
    late = await ask(shop, try_grade_rule, rule)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await trying.tidy_part(write, after=None, clock=shop.clock)
    rows = await shop.fetch("SELECT id, state FROM grade_trial")
    assert Counter(row["state"] for row in rows) == {"FAILED": 20, "WAITING": 1}
    assert [row["id"] for row in rows if row["state"] == "WAITING"] == [late]
