"""The engine held against a count of its own, customer by customer, for any rule; and what must hold for every rule."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.grades import regrade_everybody
from kedang_tenants.grading.judging import judgement
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel
from kedang_tenants.grading.rule_reading import parse_rule, rule_in_force
from tests.grading.crowd import RATINGS, TODAY, imagine, settle_in
from tests.grading.reckoning import POWERS, buys, figure, reckon

CODES = ("A", "B", "C", "D")
PERIODIC = ("SALES", "MONTHLY_SALES", "ORDERS", "AVERAGE_ORDER", "PROFIT", "PROFIT_RATE", "GROWTH")
STANDING = ("RECENCY", "ARREARS", "DAYS_OVERDUE", "field:employees", "custom:own")
LESS = ("RECENCY", "ARREARS", "DAYS_OVERDUE")
numbers = st.sampled_from(
    ["-100", "0", "0.01", "1", "5.5", "12.25", "30", "50", "100", "2500", "10000", "20000.5"]
)
periods = st.one_of(
    st.builds(lambda months: {"kind": "LAST_MONTHS", "months": months}, st.integers(1, 24)),
    st.sampled_from(
        [{"kind": "LAST_YEAR"}, {"kind": "THIS_YEAR"}, {"kind": "LAST_MONTH"}, {"kind": "YEAR", "year": 2025}]
    ),
)


@st.composite
def measured(draw, *, choices: bool = False) -> dict:
    code = draw(
        st.sampled_from([*PERIODIC, *STANDING, *(("CREDIT_RATING", "PURCHASING_POWER") if choices else ())])
    )
    return {"measure": code} | ({"period": draw(periods)} if code in PERIODIC else {})


@st.composite
def steps(draw, bounds, *, name: str = "minimum", reverse: bool = True) -> list[dict]:
    found = sorted(draw(st.lists(bounds, min_size=0, max_size=3, unique=True)), key=float, reverse=reverse)
    told = [
        {"level": code, name: bound, "exclusive": draw(st.booleans())}
        for code, bound in zip(CODES, found, strict=False)
    ]
    return [*told, {"level": CODES[len(found)]}]


@st.composite
def thresholds(draw) -> dict:
    what = draw(measured(choices=True))
    if what["measure"] in ("CREDIT_RATING", "PURCHASING_POWER"):
        ranks = RATINGS if what["measure"] == "CREDIT_RATING" else POWERS
        picked = sorted(draw(st.sets(st.sampled_from(ranks), max_size=3)), key=ranks.index)
        levels = [{"level": code, "minimum": rank} for code, rank in zip(CODES, picked, strict=False)]
        levels.append({"level": CODES[len(picked)]})
    elif what["measure"] in LESS:
        levels = draw(steps(numbers, name="maximum", reverse=False))
    else:
        levels = draw(steps(numbers))
    return {"kind": "THRESHOLDS", **what, "levels": levels}


@st.composite
def percentiles(draw) -> dict:
    cuts = sorted(draw(st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True)))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    return {
        "kind": "PERCENTILES",
        **draw(measured()),
        "within": draw(st.sampled_from(["COMPANY", "REGION"])),
        "levels": [{"level": code, "share": share} for code, share in zip(CODES, shares, strict=False)],
    }


@st.composite
def criteria(draw, weight: int) -> dict:
    what = draw(measured(choices=True)) | {"weight": weight}
    if what["measure"] in ("CREDIT_RATING", "PURCHASING_POWER"):
        ranks = RATINGS if what["measure"] == "CREDIT_RATING" else POWERS
        return what | {"options": {rank: draw(st.integers(0, 100)) for rank in ranks}}
    if draw(st.booleans()):
        return what | {"percentile": draw(st.sampled_from(["COMPANY", "REGION"]))}
    bounds = sorted(draw(st.lists(numbers, max_size=4, unique=True)), key=float, reverse=True)
    bands = [{"minimum": bound, "points": draw(st.integers(0, 100))} for bound in bounds]
    return what | {"bands": [*bands, {"points": draw(st.integers(0, 100))}]}


@st.composite
def scores(draw) -> dict:
    cuts = sorted(draw(st.lists(st.integers(1, 99), max_size=4, unique=True)))
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    return {
        "kind": "SCORE",
        "criteria": [draw(criteria(weight)) for weight in weights],
        "minimumKnown": draw(st.sampled_from([0, 30, 50, 100])),
        "levels": draw(steps(st.sampled_from(["20", "33.33", "50", "66.7", "80"]))),
    }


rules = st.tuples(st.one_of(thresholds(), percentiles(), scores()), st.sampled_from([None, *CODES])).map(
    lambda made: made[0] | {"unknown": made[1]}
)


@pytest.fixture
async def crowd(shop):
    """Sixty customers with trade of every sort, levels A to D, and a number of the company's own."""
    definition = {"record": "customer", "key": "own", "kind": "DECIMAL", "label": {"en": "Own", "zh": "自有"}}
    (own,) = await shop.create_many("custom_field", [definition])
    scheme = await shop.create("grade_scheme", name="Tried", leads=True)
    ids = await shop.create_many(
        "grade_level",
        [
            {"scheme_id": scheme, "code": code, "name": {"en": code}, "colour": "#c0392b", "position": place}
            for place, code in enumerate(CODES, start=1)
        ],
    )
    people = imagine(60, seed=7)
    await settle_in(shop, people, own)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        measures = await measures_of(read)
    levels = [
        RuleLevel(level, code, rank)
        for rank, (level, code) in enumerate(zip(ids, CODES, strict=True), start=1)
    ]
    return Crowd(shop, people, measures, levels, own.hex)


class Crowd:
    def __init__(self, shop, people, measures, levels, own) -> None:
        self.shop, self.people, self.measures, self.levels, self.own = shop, people, measures, levels, own

    def rule(self, document: dict) -> GradeRule:
        made = parse_rule(self.told(document), self.levels, self.measures, version=1)
        assert isinstance(made, GradeRule), made
        return made

    def told(self, document: dict) -> dict:
        """The document with the real id of the company's own field."""
        return orjson.loads(orjson.dumps(document).replace(b"custom:own", f"custom:{self.own}".encode()))

    async def judge(self, rule: GradeRule, *days: date, ids=None) -> list[dict]:
        judged = judgement(rule, as_of=days, currency="USD", customer_ids=ids)
        return await self.shop.fetch(f"{judged.sql} ORDER BY customer_id, as_of", *judged.args)

    def codes(self, rows: list[dict]) -> dict:
        names = {level.id: level.code for level in self.levels} | {None: None}
        return {(row["customer_id"], row["as_of"]): (names[row["level_id"]], row["score"]) for row in rows}

    def reckoned(self, document: dict, *days: date) -> dict:
        return {
            (person, day): (verdict.level, verdict.score)
            for day in days
            for person, verdict in reckon(self.told(document), self.people, day).items()
        }


ANY = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(ANY, max_examples=8)
END, EARLIER = date(2026, 2, 28), date(2025, 3, 31)


@pytest.mark.requirement("G2")
@ANY
@given(document=rules)
async def test_the_engine_agrees_with_an_independent_count_on_every_customer(crowd, document):
    rule = crowd.rule(document)
    rows = await crowd.judge(rule, TODAY)
    assert crowd.codes(rows) == crowd.reckoned(document, TODAY)
    assert len(rows) == len(crowd.people)
    if rule.unknown is not None:
        assert [row["customer_id"] for row in rows if row["gradable"] != (row["level_id"] is not None)] == []
    assert rule_in_force(rule.document(), crowd.measures) == rule


@pytest.mark.requirement("G3")
@FEW
@given(document=rules)
async def test_months_judged_together_are_what_each_is_by_itself(crowd, document):
    rows = await crowd.judge(crowd.rule(document), EARLIER, END)
    assert crowd.codes(rows) == crowd.reckoned(document, EARLIER, END)


@pytest.mark.requirement("G2")
@FEW
@given(document=rules, data=st.data())
async def test_neither_the_order_of_rows_nor_who_else_is_asked_for_matters(crowd, document, data):
    rule = crowd.rule(document)
    before = await crowd.judge(rule, TODAY)
    ids = data.draw(
        st.lists(st.sampled_from([person.id for person in crowd.people]), max_size=5, unique=True)
    )
    async with crowd.shop.databases.tenant_write(crowd.shop.company.ref) as write:
        for table in ("customer", "sales_order", "invoice", "payment"):  # these rows go behind all others
            await write.fetch(
                f"UPDATE {table} SET version = version WHERE id::text < $1", data.draw(st.uuids()).hex
            )
    assert await crowd.judge(rule, TODAY) == before
    assert await crowd.judge(rule, TODAY, ids=ids) == [row for row in before if row["customer_id"] in ids]


async def test_several_days_are_judged_at_the_ends_of_months_only(crowd):
    rule = crowd.rule({"kind": "THRESHOLDS", "measure": "SALES", "levels": [{"level": "A"}]})
    with pytest.raises(ValueError, match="ends of months"):
        judgement(rule, as_of=[END, TODAY], currency="USD")


PROFITABLE = {
    "kind": "SCORE",
    "criteria": [
        {"measure": "SALES", "weight": 50, "bands": [{"minimum": "5000", "points": 100}, {"points": 20}]},
        {"measure": "PROFIT", "weight": 30, "bands": [{"minimum": "0", "points": 100}, {"points": 0}]},
        {"measure": "field:employees", "weight": 20, "percentile": "COMPANY"},
    ],
    "levels": [{"level": "A", "minimum": "90"}, {"level": "B", "minimum": "50"}, {"level": "C"}],
    "unknown": "D",
}
_STANDING = """
SELECT g.customer_id, g.level_id, g.figures, g.withheld, g.explanation, g.rule_version, g.updated_at, g.id
FROM customer_grade g WHERE g.current ORDER BY g.customer_id
"""
_HAVE = ("customer_id", "level_id", "figures", "withheld", "explanation")


async def put_in_force(crowd, rule: GradeRule) -> None:
    async with crowd.shop.databases.tenant_write(crowd.shop.company.ref) as write:
        await write.fetch(
            "UPDATE grade_scheme SET state = 'PUBLISHED', rule = $1, rule_version = $2",
            orjson.dumps(rule.document()).decode(),
            rule.version,
        )


async def run(crowd) -> int:
    scheme = await crowd.shop.value("SELECT id FROM grade_scheme")
    viewer = await crowd.shop.product()
    async with crowd.shop.databases.tenant_write(crowd.shop.company.ref) as write:
        part = await regrade_everybody(write, viewer, scheme_id=scheme, clock=crowd.shop.clock)
    assert (part.last, part.seen) == (None, len(crowd.people))
    return part.changed


@pytest.mark.requirement("G3")
async def test_a_run_gives_what_the_judgement_says_and_once(crowd):
    rule = crowd.rule(PROFITABLE)
    expected = [row for row in await crowd.judge(rule, TODAY) if row["level_id"]]
    await put_in_force(crowd, rule)
    assert await run(crowd) == len(expected)
    given = await crowd.shop.fetch(_STANDING)
    assert [[row[name] for name in _HAVE] for row in given] == [
        [row[name] for name in _HAVE] for row in expected
    ]
    shown = await crowd.shop.fetch(
        "SELECT id, grade_level_id FROM customer WHERE grade_level_id IS NOT NULL ORDER BY id"
    )
    assert [(row["id"], row["grade_level_id"]) for row in shown] == [
        (r["customer_id"], r["level_id"]) for r in expected
    ]
    assert await run(crowd) == 0
    assert await crowd.shop.fetch(_STANDING) == given


@pytest.mark.requirement("G3")
async def test_what_a_dry_run_moves_is_what_the_run_moves(crowd):
    await put_in_force(
        crowd, crowd.rule({"kind": "THRESHOLDS", "measure": "SALES", "levels": [{"level": "B"}]})
    )
    await run(crowd)
    rule = replace(crowd.rule(PROFITABLE), version=2)
    before = {row["customer_id"]: row["level_id"] for row in await crowd.shop.fetch(_STANDING)}
    tried = {
        row["customer_id"]: row["level_id"]
        for row in await crowd.judge(rule, TODAY)
        if before.get(row["customer_id"]) != row["level_id"]
    }
    await put_in_force(crowd, rule)
    assert await run(crowd) == len(tried)
    after = await crowd.shop.fetch(_STANDING)
    assert {row["customer_id"]: row["level_id"] for row in after} == before | tried
    assert {row["rule_version"] for row in after} == {2}


@pytest.mark.requirement("G3")
async def test_a_grade_tells_its_figures_and_words_and_keeps_the_profit_to_itself(crowd):
    rule = crowd.rule(PROFITABLE)
    rows = {row["customer_id"]: row for row in await crowd.judge(rule, TODAY)}
    person = next(
        p
        for p in crowd.people
        if buys(p)
        and figure(p, {"measure": "PROFIT"}, TODAY)
        and figure(p, {"measure": "SALES"}, TODAY) >= 500_000
        and p.employees is None
    )
    row, profit = rows[person.id], figure(person, {"measure": "PROFIT"}, TODAY)
    told, words = orjson.loads(row["figures"]), orjson.loads(row["explanation"])
    sales = figure(person, {"measure": "SALES"}, TODAY)
    assert orjson.loads(row["withheld"]) == {"PROFIT": profit}
    assert told["parts"][0] == {
        "measure": "SALES",
        "value": sales,
        "from": "2025-03-03",
        "until": "2026-03-03",
        "points": 100,
        "weight": 50,
        "share": 62.5,
    }
    assert "value" not in told["parts"][1]
    assert str(profit) not in row["figures"].replace(str(sales), "")
    points = 100 if profit >= 0 else 0
    score = Fraction(100 * 50 + points * 30, 80)
    level = "A takes at least 90" if score >= 90 else "B takes at least 50"
    assert words["en"] == (
        f"Score {float(score):g} of 100, with 80 % of the weight known. Level {level}."
        f" Sales from 2025-03-03 to 2026-03-02: {sales / 100:,.2f} USD, 100 points × 50/80 = 62.5."
        f" Profit contribution: {points} points × 30/80 = {float(Fraction(points * 30, 80)):g}."
        " Employees: unknown, left out. Version 1 of the rule."
    )
    assert set(words) == {"en", "zh"}


@pytest.mark.requirement("G3")
async def test_the_guard_against_swinging_keeps_a_level_and_says_until_when(crowd):
    document = {
        "kind": "THRESHOLDS",
        "measure": "field:employees",
        "levels": [{"level": "A", "minimum": 100}, {"level": "B"}],
    }
    await put_in_force(crowd, crowd.rule(document | {"guard": {"days": 10}}))
    await run(crowd)
    large = next(p for p in crowd.people if buys(p) and p.employees == 500)
    await crowd.shop.update("customer", large.id, employees=5)
    assert await run(crowd) == 0
    (kept,) = [row for row in await crowd.shop.fetch(_STANDING) if row["customer_id"] == large.id]
    told = orjson.loads(kept["figures"])
    assert (kept["level_id"], told["level"], told["held"]) == (
        crowd.levels[0].id,
        "B",
        {"level": "A", "until": "2026-03-12"},
    )
    assert (
        "The guard against swinging keeps level A until 2026-03-12."
        in orjson.loads(kept["explanation"])["en"]
    )
    crowd.shop.clock.move(timedelta(days=10))
    assert await run(crowd) == 1
    assert (
        await crowd.shop.value("SELECT grade_level_id FROM customer WHERE id = $1", large.id)
        == crowd.levels[1].id
    )


@pytest.mark.requirement("G3")
async def test_what_a_rule_looks_at_moves_the_grade_when_it_changes(crowd):
    document = {
        "kind": "THRESHOLDS",
        "measure": "CREDIT_RATING",
        "levels": [{"level": "A", "minimum": "A"}, {"level": "B"}],
    }
    await put_in_force(crowd, crowd.rule(document))
    await run(crowd)
    rated = next(p for p in crowd.people if buys(p) and p.credit_rating == "AAA")
    await crowd.shop.update("customer", rated.id, credit_rating="D")
    await crowd.shop.work()
    assert await level_of(crowd, rated) == "B"
    await crowd.shop.update("customer", rated.id, credit_rating=None)
    await crowd.shop.work()
    assert await level_of(crowd, rated) is None
    arrears = {
        "kind": "THRESHOLDS",
        "measure": "ARREARS",
        "levels": [{"level": "A", "maximum": 0}, {"level": "B"}],
    }
    await put_in_force(crowd, replace(crowd.rule(arrears), version=2))
    await run(crowd)
    fresh = next(p for p in crowd.people if buys(p) and not p.invoices)
    finance = await crowd.shop.as_member(await crowd.shop.hire("Anne Dodsworth", "FINANCE"))
    assert await level_of(crowd, fresh) is None
    bill = {
        "number": "1",
        "customer_id": fresh.id,
        "amount": 500,
        "issued_on": date(2026, 1, 1),
        "due_on": date(2026, 2, 1),
    }
    invoice = await crowd.shop.create("invoice", viewer=finance, **bill)
    await crowd.shop.work()
    assert await level_of(crowd, fresh) == "B"
    await crowd.shop.create(
        "payment", viewer=finance, number="1", invoice_id=invoice, amount=500, received_on=TODAY
    )
    await crowd.shop.work()
    assert await level_of(crowd, fresh) == "A"


@pytest.mark.requirement("G2")
async def test_where_customers_are_compared_one_change_has_everybody_graded_soon_and_once(crowd):
    document = {
        "kind": "PERCENTILES",
        "measure": "field:employees",
        "levels": [{"level": "A", "share": 50}, {"level": "B", "share": 50}],
    }
    await put_in_force(crowd, crowd.rule(document))
    await run(crowd)
    small, *others = [p for p in crowd.people if buys(p) and p.employees is not None and p.employees < 50]
    for person in (small, others[0]):
        await crowd.shop.update("customer", person.id, employees=9_000)
    await crowd.shop.work()
    assert await level_of(crowd, small) == "B"
    crowd.shop.clock.move(timedelta(minutes=10))
    await crowd.shop.work()
    assert await level_of(crowd, small) == "A"
    jobs = "SELECT count(*) FROM work.job WHERE kind = 'grading.regrade' AND company = $1"
    async with crowd.shop.databases.control_read() as read:
        assert await read.fetchval(jobs, crowd.shop.company.id) == 1


async def level_of(crowd, person) -> str | None:
    return await crowd.shop.value(
        "SELECT l.code FROM customer c JOIN grade_level l ON l.id = c.grade_level_id WHERE c.id = $1",
        person.id,
    )
