"""Regrading 100,000 customers with 1,000,000 order lines by five criteria, against one statement written by hand."""

import statistics
import time
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from kedang_platform.ids import new_id
from kedang_tenants.grading.back_tests import back_test
from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.dry_runs import Trial, dry_run
from kedang_tenants.grading.grades import regrade_everybody
from kedang_tenants.grading.judging import OF_EVERYBODY
from kedang_tenants.grading.periods import ends_of_months
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel
from kedang_tenants.grading.rule_reading import parse_rule

pytestmark = pytest.mark.bench

CUSTOMERS, ORDERS, LINES = 100_000, 250_000, 4
ROUNDS = 3
MADE = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
CODES = ("A", "B", "C", "D", "E")

_CUSTOMERS = """
INSERT INTO customer (id, version, created_at, updated_at, custom, number, name, name_sort, directory, state, roles, direct,
                      credit_rating)
SELECT gen_random_uuid(), 1, $2, $2, '{}', 'C' || n, 'Customer ' || n, 'customer ' || n, 'COMPANY', 'CURRENT', '{BUYER}',
       true, (ARRAY['AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'CC', 'C', 'D', NULL])[1 + n % 11]
FROM generate_series(1, $1::int) AS n
"""
_ORDERS = """
INSERT INTO sales_order (id, version, created_at, updated_at, custom, number, customer_id, state, ordered_on, currency,
                         total, profit)
SELECT gen_random_uuid(), 1, $2, $2, '{}', 'O' || n,
       (SELECT array_agg(id ORDER BY number) FROM customer)[1 + (n::bigint * 7919 % $4)::int],
       CASE WHEN n % 50 = 0 THEN 'CANCELLED' ELSE 'DELIVERED' END, $3::date - (n::bigint * 104729 % 730)::int, 'USD', 0, 0
FROM generate_series(1, $1::int) AS n
"""
_LINES = """
INSERT INTO order_line (id, version, created_at, updated_at, custom, order_id, position, product_id, quantity, unit_price,
                        discount, amount, unit_cost, profit)
SELECT gen_random_uuid(), 1, $1, $1, '{}', o.id, n, $2, n, 1000, 0, a.amount, CASE WHEN a.amount % 97 > 0 THEN 700 END,
       CASE WHEN a.amount % 97 > 0 THEN (a.amount * 0.3)::bigint END
FROM sales_order o CROSS JOIN generate_series(1, $3::int) AS n
CROSS JOIN LATERAL (SELECT (abs(hashtext(o.number)::bigint) % 2000 + n) * 200 AS amount) a
"""
_TOTALS = """
UPDATE sales_order o SET total = l.total, profit = l.profit
FROM (SELECT order_id, sum(amount) AS total, CASE WHEN count(*) = count(profit) THEN sum(profit) END AS profit
      FROM order_line GROUP BY order_id) l
WHERE l.order_id = o.id
"""
_RULE = """
INSERT INTO grade_rule (id, version, created_at, updated_at, custom, scheme_id, number, state, content)
VALUES ($1, 1, $3, $3, '{}', $2, 2, 'DRAFT', '{}')
"""
_TRIAL = """
INSERT INTO grade_trial (id, version, created_at, updated_at, custom, scheme_id, rule_id, kind, state, content, as_of)
VALUES ($1, 1, $3, $3, '{}', $2, $4, 'DRY_RUN', 'WAITING', '{}', $5)
"""
_BANDS = {
    "SALES": (("20000", 100), ("8000", 80), ("3000", 50), ("1", 20), (None, 0)),
    "PROFIT": (("5000", 100), ("2000", 70), ("1", 40), (None, 0)),
    "ORDERS": (("6", 100), ("3", 70), ("1", 30), (None, 0)),
    "RECENCY": (("365", 0), ("180", 30), ("60", 70), (None, 100)),
}
_WEIGHTS = {"SALES": 35, "PROFIT": 25, "ORDERS": 10, "RECENCY": 15}
_RATINGS = {"AAA": 100, "AA": 90, "A": 80, "BBB": 70, "BB": 60, "B": 50, "CCC": 40, "CC": 30, "C": 20, "D": 0}
_LEVELS = (("A", 80), ("B", 60), ("C", 40), ("D", 15), ("E", None))
TWELVE = {"kind": "LAST_MONTHS", "months": 12}
DOCUMENT = {
    "kind": "SCORE",
    "criteria": [
        {
            "measure": code,
            "weight": weight,
            "bands": [
                {"points": points} | ({} if minimum is None else {"minimum": minimum})
                for minimum, points in _BANDS[code]
            ],
        }
        | ({} if code == "RECENCY" else {"period": TWELVE})
        for code, weight in _WEIGHTS.items()
    ]
    + [{"measure": "CREDIT_RATING", "weight": 15, "options": _RATINGS}],
    "minimumKnown": 50,
    "levels": [
        {"level": code} | ({} if minimum is None else {"minimum": minimum}) for code, minimum in _LEVELS
    ],
}


@pytest.fixture
async def crowd(shop):
    product = await shop.create("product", number="1", name="Chai")
    scheme = await shop.create("grade_scheme", name="Value", leads=True)
    levels = await shop.create_many(
        "grade_level",
        [
            {"scheme_id": scheme, "code": code, "name": {"en": code}, "colour": "#c0392b", "position": place}
            for place, code in enumerate(CODES, start=1)
        ],
    )
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("SELECT set_config('statement_timeout', '900s', true)")
        await write.fetch(_CUSTOMERS, CUSTOMERS, MADE)
        await write.fetch(_ORDERS, ORDERS, MADE, TODAY, CUSTOMERS)
        await write.fetch(_LINES, MADE, product, LINES)
        await write.fetch(_TOTALS)
        rule, trial = new_id(), new_id()
        await write.fetch(_RULE, rule, scheme, MADE)
        await write.fetch(_TRIAL, trial, scheme, MADE, rule, TODAY)
        measures = await measures_of(write)
    return Bench(shop, scheme, levels, measures, trial)


class Undone(Exception):
    """Ends a transaction without a trace."""


class Bench:
    def __init__(self, shop, scheme, levels, measures, trial) -> None:
        self.shop, self.scheme, self.levels, self.measures, self.trial = shop, scheme, levels, measures, trial

    def rule(self, version: int) -> GradeRule:
        levels = [
            RuleLevel(key, code, rank)
            for rank, (key, code) in enumerate(zip(self.levels, CODES, strict=True), start=1)
        ]
        made = parse_rule(DOCUMENT, levels, self.measures, version=version)
        assert isinstance(made, GradeRule), made
        return made

    async def put_in_force(self, version: int) -> None:
        told = orjson.dumps(self.rule(version).document()).decode()
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await write.fetch(
                "UPDATE grade_scheme SET state = 'PUBLISHED', rule = $2, rule_version = $3 WHERE id = $1",
                self.scheme,
                told,
                version,
            )

    async def run(self) -> None:
        """Grade everybody, for good."""
        viewer = await self.shop.product()
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await regrade_everybody(write, viewer, scheme_id=self.scheme, clock=self.shop.clock)

    async def undone(self, act) -> tuple[float, object]:
        """How long ``act`` takes in a transaction that leaves nothing behind, and what it tells."""
        await self.tidy()
        seconds, told = 0.0, None
        try:
            async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
                await write.fetch(OF_EVERYBODY)
                began = time.perf_counter()
                await act(write)
                seconds = time.perf_counter() - began
                told = await write.fetch(_WRITTEN)
                raise Undone
        except Undone:
            return seconds, told

    async def tidy(self) -> None:
        async with self.shop.databases.owner() as owner:
            for table in ("customer", "customer_grade", "sales_order", "audit", "grade_trial_row"):
                await owner.execute(f'VACUUM ANALYZE "{self.shop.company.ref.schema}"."{table}"')


_WRITTEN = """
SELECT l.code, count(*) AS customers, count(*) FILTER (WHERE c.grade_level_id = g.level_id) AS shown,
       md5(string_agg(concat_ws('|', g.customer_id, g.rule_version, g.figures, g.withheld, g.explanation ->> 'en'), ';'
                      ORDER BY g.customer_id)) AS same
FROM customer_grade g JOIN grade_level l ON l.id = g.level_id JOIN customer c ON c.id = g.customer_id
WHERE g.current GROUP BY l.code ORDER BY l.code
"""

# $1 today, $2 its period's first day, $3 now, $4 the scheme, $5 the levels.
BARE = """
WITH bought AS (
    SELECT customer_id, sum(total) FILTER (WHERE ordered_on >= $2) AS sales, sum(profit) FILTER (WHERE ordered_on >= $2) AS profit,
           count(*) FILTER (WHERE ordered_on >= $2 AND profit IS NULL) AS unknown,
           count(*) FILTER (WHERE ordered_on >= $2) AS orders, max(ordered_on) AS last
    FROM sales_order
    WHERE archived_at IS NULL AND state <> 'CANCELLED' AND currency = 'USD' AND ordered_on <= $1
    GROUP BY customer_id
),
measured AS MATERIALIZED (
    SELECT c.id, c.roles && '{BUYER,DEALER}' OR c.roles = '{}' AND c.directory <> 'PARTNER' AS buys,
           coalesce(b.sales, 0)::bigint AS sales, CASE WHEN coalesce(b.unknown, 0) = 0 THEN coalesce(b.profit, 0)::bigint END AS profit,
           coalesce(b.orders, 0) AS orders, $1 - b.last AS recency, c.credit_rating AS rating
    FROM customer c LEFT JOIN bought b ON b.customer_id = c.id
    WHERE c.archived_at IS NULL
),
pointed AS MATERIALIZED (
    SELECT m.*, CASE WHEN sales >= 2000000 THEN 100 WHEN sales >= 800000 THEN 80 WHEN sales >= 300000 THEN 50 WHEN sales >= 100 THEN 20 ELSE 0 END AS p1,
           CASE WHEN profit IS NULL THEN NULL WHEN profit >= 500000 THEN 100 WHEN profit >= 200000 THEN 70 WHEN profit >= 100 THEN 40 ELSE 0 END AS p2,
           CASE WHEN orders >= 6 THEN 100 WHEN orders >= 3 THEN 70 WHEN orders >= 1 THEN 30 ELSE 0 END AS p3,
           CASE WHEN recency IS NULL THEN NULL WHEN recency >= 365 THEN 0 WHEN recency >= 180 THEN 30 WHEN recency >= 60 THEN 70 ELSE 100 END AS p4,
           CASE rating WHEN 'AAA' THEN 100 WHEN 'AA' THEN 90 WHEN 'A' THEN 80 WHEN 'BBB' THEN 70 WHEN 'BB' THEN 60 WHEN 'B' THEN 50
                       WHEN 'CCC' THEN 40 WHEN 'CC' THEN 30 WHEN 'C' THEN 20 WHEN 'D' THEN 0 END AS p5
    FROM measured m
),
known AS MATERIALIZED (
    SELECT p.*, 45 + CASE WHEN p2 IS NULL THEN 0 ELSE 25 END + CASE WHEN p4 IS NULL THEN 0 ELSE 15 END + CASE WHEN p5 IS NULL THEN 0 ELSE 15 END AS known,
           p1 * 35 + coalesce(p2, 0) * 25 + p3 * 10 + coalesce(p4, 0) * 15 + coalesce(p5, 0) * 15 AS points
    FROM pointed p WHERE buys
),
scored AS MATERIALIZED (SELECT k.*, round(points::numeric / known, 2) AS score FROM known k),
graded AS MATERIALIZED (
    SELECT s.*, g.id AS had, g.level_id AS had_level, g.held_since AS since,
           CASE WHEN known < 50 THEN NULL WHEN score >= 80 THEN 1 WHEN score >= 60 THEN 2 WHEN score >= 40 THEN 3 WHEN score >= 15 THEN 4 ELSE 5 END AS level
    FROM scored s LEFT JOIN customer_grade g ON g.customer_id = s.id AND g.scheme_id = $4 AND g.current
),
ended AS (
    UPDATE customer_grade g SET current = false, ended_at = $3, updated_at = $3, version = version + 1
    FROM graded j WHERE g.id = j.had RETURNING g.id
),
shown AS (
    UPDATE customer c SET grade_level_id = ($5::uuid[])[j.level], grade_rank = j.level
    FROM graded j WHERE c.id = j.id AND (c.grade_level_id, c.grade_rank) IS DISTINCT FROM (($5::uuid[])[j.level], j.level)
)
INSERT INTO customer_grade (id, version, created_at, updated_at, custom, customer_id, scheme_id, level_id, rule_version,
                            figures, withheld, explanation, current, graded_at, held_since)
SELECT md5(j.id::text || 'bare')::uuid, 1, $3, $3, '{}', j.id, $4, ($5::uuid[])[j.level], 2,
       jsonb_build_object('version', 2, 'kind', 'SCORE', 'level', ('{A,B,C,D,E}'::text[])[j.level], 'currency', 'USD',
           'values', jsonb_build_array(j.sales, j.orders, j.recency, j.score), 'score', j.score, 'known', j.known,
           'parts', jsonb_build_array(
               jsonb_build_object('measure', 'SALES', 'value', j.sales, 'from', $2::date, 'until', $1::date + 1, 'points', j.p1, 'weight', 35, 'share', round(j.p1::numeric * 35 / j.known, 2)),
               jsonb_build_object('measure', 'PROFIT', 'from', $2::date, 'until', $1::date + 1, 'points', j.p2, 'weight', 25, 'share', round(j.p2::numeric * 25 / j.known, 2)),
               jsonb_build_object('measure', 'ORDERS', 'value', j.orders, 'from', $2::date, 'until', $1::date + 1, 'points', j.p3, 'weight', 10, 'share', round(j.p3::numeric * 10 / j.known, 2)),
               jsonb_build_object('measure', 'RECENCY', 'value', j.recency, 'points', j.p4, 'weight', 15, 'share', round(j.p4::numeric * 15 / j.known, 2)),
               jsonb_build_object('measure', 'CREDIT_RATING', 'points', j.p5, 'weight', 15, 'share', round(j.p5::numeric * 15 / j.known, 2)))),
       jsonb_build_object('PROFIT', j.profit, 'CREDIT_RATING', j.rating),
       jsonb_build_object(
           'en', concat('Score ', trim_scale(j.score), ' of 100, with ', j.known, ' % of the weight known. ',
               (ARRAY['Level A takes at least 80.', 'Level B takes at least 60.', 'Level C takes at least 40.', 'Level D takes at least 15.',
                      'Level E takes everybody below the other levels.'])[j.level],
               ' Sales from ', $2::date, ' to ', $1::date, ': ', to_char(j.sales / 100.0, 'FM999,999,999,999,999,990.00'), ' USD, ', j.p1,
               ' points × 35/', j.known, ' = ', trim_scale(round(j.p1::numeric * 35 / j.known, 2)), '. ',
               CASE WHEN j.p2 IS NULL THEN 'Profit contribution: unknown, left out.' ELSE concat('Profit contribution: ', j.p2, ' points × 25/', j.known, ' = ', trim_scale(round(j.p2::numeric * 25 / j.known, 2)), '.') END,
               ' Number of orders from ', $2::date, ' to ', $1::date, ': ', j.orders, ', ', j.p3, ' points × 10/', j.known, ' = ', trim_scale(round(j.p3::numeric * 10 / j.known, 2)), '. ',
               CASE WHEN j.p4 IS NULL THEN 'Days since the last order: unknown, left out.' ELSE concat('Days since the last order: ', j.recency, ' days, ', j.p4, ' points × 15/', j.known, ' = ', trim_scale(round(j.p4::numeric * 15 / j.known, 2)), '.') END,
               ' ', CASE WHEN j.p5 IS NULL THEN 'Credit rating: unknown, left out.' ELSE concat('Credit rating: ', j.p5, ' points × 15/', j.known, ' = ', trim_scale(round(j.p5::numeric * 15 / j.known, 2)), '.') END,
               ' Version 2 of the rule.'),
           'zh', concat('得分 ', trim_scale(j.score), '（满分 100），已知权重 ', j.known, ' %。',
               (ARRAY['A 级：不低于 80。', 'B 级：不低于 60。', 'C 级：不低于 40。', 'D 级：不低于 15。', 'E 级：未达到其他等级的所有客户。'])[j.level],
               '销售额（', $2::date, ' 至 ', $1::date, '）：', to_char(j.sales / 100.0, 'FM999,999,999,999,999,990.00'), ' USD，', j.p1,
               ' 分 × 35/', j.known, ' = ', trim_scale(round(j.p1::numeric * 35 / j.known, 2)), '。',
               CASE WHEN j.p2 IS NULL THEN '利润贡献：未知，不计入。' ELSE concat('利润贡献：', j.p2, ' 分 × 25/', j.known, ' = ', trim_scale(round(j.p2::numeric * 25 / j.known, 2)), '。') END,
               '订单数（', $2::date, ' 至 ', $1::date, '）：', j.orders, '，', j.p3, ' 分 × 10/', j.known, ' = ', trim_scale(round(j.p3::numeric * 10 / j.known, 2)), '。',
               CASE WHEN j.p4 IS NULL THEN '距上次下单天数：未知，不计入。' ELSE concat('距上次下单天数：', j.recency, ' 天，', j.p4, ' 分 × 15/', j.known, ' = ', trim_scale(round(j.p4::numeric * 15 / j.known, 2)), '。') END,
               CASE WHEN j.p5 IS NULL THEN '信用等级：未知，不计入。' ELSE concat('信用等级：', j.p5, ' 分 × 15/', j.known, ' = ', trim_scale(round(j.p5::numeric * 15 / j.known, 2)), '。') END,
               '规则第 2 版。')),
       true, $3, CASE WHEN ($5::uuid[])[j.level] = j.had_level THEN coalesce(j.since, $1) ELSE $1 END
FROM graded j LEFT JOIN ended e ON e.id = j.had
WHERE j.level IS NOT NULL
"""


async def test_a_regrade_a_dry_run_and_a_back_test_of_100000_customers(crowd):
    """Everybody has a grade of the first version, given a month ago; the second version gives everybody another row."""
    viewer, clock = await crowd.shop.product(), crowd.shop.clock
    await crowd.put_in_force(1)
    await crowd.tidy()
    clock.move(timedelta(days=-30))
    await crowd.run()
    clock.move(timedelta(days=30))
    await crowd.put_in_force(2)
    first = TODAY.replace(year=TODAY.year - 1) + timedelta(days=1)
    trial = Trial(crowd.trial, crowd.scheme, crowd.rule(2), in_force=False)
    days = ends_of_months(TODAY, count=12)

    async def ours(write):
        await regrade_everybody(write, viewer, scheme_id=crowd.scheme, clock=clock)

    async def bare(write):
        await write.fetch(BARE, TODAY, first, clock.now(), crowd.scheme, list(crowd.levels))

    async def tried(write):
        await dry_run(write, trial, as_of=TODAY, currency="USD", clock=clock)

    async def looked_back(write):
        await back_test(write, trial, days=days, currency="USD", clock=clock)

    taken = {name: [] for name in ("bare", "ours", "tried", "looked_back")}
    for _ in range(ROUNDS):
        written = {}
        for name, act in (("bare", bare), ("ours", ours), ("tried", tried), ("looked_back", looked_back)):
            seconds, written[name] = await crowd.undone(act)
            taken[name].append(seconds)
        assert written["ours"] == written["bare"]
    best = {name: statistics.median(seconds) for name, seconds in taken.items()}
    run = best["ours"]
    print(
        f"\ngrading: {CUSTOMERS} customers, {ORDERS * LINES} order lines, five criteria: {run:.2f} s (<= 30),"
        f" {run / best['bare']:.2f} x bare SQL {best['bare']:.2f} s (<= 1.2); dry run {best['tried']:.2f} s,"
        f" {best['tried'] / run:.2f} x the run (<= 1); back-test of 12 months {best['looked_back']:.2f} s,"
        f" {best['looked_back'] / run:.2f} x the run (<= 6)"
    )
    assert run <= 30
    assert run <= best["bare"] * 1.2
    assert best["tried"] <= run
    assert best["looked_back"] <= run * 6
