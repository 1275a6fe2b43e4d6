"""The rules over plans, on plans as PostgreSQL tells them."""

import pytest

from kedang_tenants.measuring.findings import TEXTS, Finding, Surroundings, find
from kedang_tenants.measuring.literals import statement_text, without_literals
from kedang_tenants.measuring.plans import Node
from kedang_tenants.measuring.tallies import SPANS, percentile, span

BIG = Surroundings({"customer": 50_000, "contact": 200_000, "tag": 5}, sort_bytes=4 * 1024 * 1024)


def scan(table="customer", **more):
    return {"Node Type": "Seq Scan", "Relation Name": table, "Plan Rows": 40_000, "Plan Width": 200, **more}


def codes(plan, sql="SELECT t1.id", fetched=10):
    return [finding.code for finding in find(Node.of(plan), sql, fetched=fetched, around=BIG)]


def test_reading_a_whole_table_is_told_with_or_without_a_filter():
    assert codes(scan()) == ["WHOLE_TABLE"]
    assert codes(scan(Filter="(archived_at IS NULL)")) == ["WHOLE_TABLE"]
    (found,) = find(
        Node.of(scan(Filter="((archived_at IS NULL) AND (city = 'Berlin'::text))")), "", fetched=1, around=BIG
    )
    assert found == Finding("FILTER_WITHOUT_INDEX", {"rows": 50_000, "table": "customers", "fields": "city"})


def test_small_tables_are_no_reason():
    assert codes(scan("tag")) == ["CHEAP_PLAN"]


def test_a_sort_under_a_limit_is_one_of_every_page():
    sort = {
        "Node Type": "Sort",
        "Plan Rows": 40_000,
        "Plan Width": 200,
        "Sort Key": ["t1.credit_limit", "t1.id"],
    }
    sorted_scan = {**sort, "Plans": [scan()]}
    assert codes({"Node Type": "Limit", "Plans": [sorted_scan]}) == ["WHOLE_TABLE", "ORDER_WITHOUT_INDEX"]
    assert codes(sorted_scan) == ["WHOLE_TABLE", "SORT_ON_DISK"]
    narrow = {**sort, "Plan Width": 8, "Plans": [scan()]}
    assert codes(narrow) == ["WHOLE_TABLE", "SORT"]


def test_the_inner_side_of_a_loop_is_read_again_and_again():
    outer = {
        "Node Type": "Index Scan",
        "Relation Name": "customer",
        "Plan Rows": 250,
        "Index Cond": "(id = $1)",
    }
    loop = {"Node Type": "Nested Loop", "Plans": [outer, scan("contact", Filter="(customer_id = t1.id)")]}
    found = find(Node.of(loop), "SELECT", fetched=1, around=BIG)
    assert [one.code for one in found] == ["FILTER_WITHOUT_INDEX", "REPEATED"]
    assert found[1].params == {"table": "contacts", "times": 250}


def test_a_walk_by_an_index_that_does_not_filter_is_told():
    walk = {"Node Type": "Index Scan", "Relation Name": "customer", "Index Name": "ix", "Plan Rows": 11}
    limit = {"Node Type": "Limit", "Plans": [{**walk, "Filter": "(city = 'Berlin'::text)"}]}
    assert codes(limit) == ["WALKED"]
    found_by_index = {**walk, "Filter": "(city = 'Berlin'::text)", "Index Cond": "(owner_id = $1)"}
    assert codes({"Node Type": "Limit", "Plans": [found_by_index]}) == ["CHEAP_PLAN"]


def test_totals_many_rows_and_groups_are_told():
    counted = "SELECT count(*) FROM (SELECT 1 FROM customer LIMIT 10001) counted"
    total = {
        "Node Type": "Aggregate",
        "Plans": [{"Node Type": "Limit", "Plan Rows": 10_001, "Plans": [scan()]}],
    }
    assert codes(total, counted) == ["WHOLE_TABLE", "TOTAL_COUNT"]
    assert codes(scan("tag"), fetched=5_000) == ["MANY_ROWS"]
    grouped = "SELECT k0, count(*) AS count FROM (SELECT 1) g GROUP BY k0"
    assert codes({"Node Type": "Aggregate", "Plans": [scan()]}, grouped) == ["WHOLE_TABLE", "GROUPS"]


def test_a_plan_keeps_no_value():
    node = Node.of(
        {
            **scan(),
            "Filter": "((name = 'O''Brien'::text) AND (credit_limit > 12345) AND (score > 1.5e+10) AND active"
            " AND (note = E'a\\\\b') AND (custom ->> 'x'::text = ANY ('{a,b}'::text[])) AND (flag = true))",
        }
    )
    (line,) = node.lines()
    assert line.endswith(
        "filter ((name = ?::text) AND (credit_limit > ?) AND (score > ?) AND active AND (note = ?)"
        " AND (custom ->> ?::text = ANY (?::text[])) AND (flag = ?))"
    )


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT t1.\"name\" FROM x t1 WHERE a = $1 AND b = 'v'",
            'SELECT t1."name" FROM x t1 WHERE a = $1 AND b = ?',
        ),
        ("LIMIT 10001 OFFSET 0", "LIMIT ? OFFSET ?"),
        (
            "INSERT INTO x (a, b) VALUES ($1::UUID, $2), ($3::UUID, $4)",
            "INSERT INTO x (a, b) VALUES ($1::UUID, $2), …",
        ),
        ("SELECT c1, k0 FROM t12", "SELECT c1, k0 FROM t12"),
    ],
)
def test_a_statement_keeps_its_shape_and_no_value(sql, told):
    assert statement_text(sql) == told


def test_texts_are_cut_off():
    assert len(without_literals("x" * 20_000)) == 10_000


def test_every_rule_has_words():
    assert [
        Finding(code, dict.fromkeys(("rows", "table", "fields", "times", "memory"), 1)).told("en")
        for code in TEXTS
    ]


def test_percentiles_lie_within_the_span_of_their_answer():
    latency: dict[int, int] = {}
    for n in range(1, 1001):
        number = span(n / 10_000)  # 0.1 to 100 ms, evenly
        latency[number] = latency.get(number, 0) + 1
    for share, exact in ((0.5, 50.0), (0.95, 95.0), (0.99, 99.0)):
        told = percentile(latency, share)
        assert told is not None
        assert exact / 2**0.5 < told < exact * 2**0.5
    assert percentile({}, 0.5) is None
    assert percentile({len(SPANS): 3}, 0.5) == round(SPANS[-1], 3)
    assert span(0) == 0
    assert span(1_000) == len(SPANS)
