"""The engine held against a count of its own, customer by customer, for any rule; and what must hold for every rule."""

from datetime import date

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.judging import judgement
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel
from kedang_tenants.grading.rule_reading import parse_rule, rule_in_force
from tests.grading.crowd import RATINGS, TODAY, imagine, settle_in
from tests.grading.reckoning import POWERS, reckon

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
END, EARLIER = date(2026, 2, 28), date(2025, 3, 31)


@pytest.mark.requirement("G2")
@ANY
@given(document=rules)
async def test_the_engine_agrees_with_an_independent_count_on_every_customer(crowd, document):
    rule = crowd.rule(document)
    rows = await crowd.judge(rule, TODAY)
    assert crowd.codes(rows) == crowd.reckoned(document, TODAY)
    assert len(rows) == len(crowd.people)
    assert rule_in_force(rule.document(), crowd.measures) == rule
