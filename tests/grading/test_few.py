"""Grading a few customers reads what is theirs, however much there is of the others (G3)."""

from datetime import timedelta

import orjson
import pytest

from kedang_platform.ids import new_id
from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.judging import judgement
from kedang_tenants.grading.measures import ArchiveFacts, registered
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel
from kedang_tenants.grading.rule_reading import parse_rule
from tests.grading.crowd import TODAY, imagine, settle_in

pytestmark = pytest.mark.requirement("G3")
HEADS = {"sales_order", "invoice", "survey_answer"}


@pytest.fixture
async def crowd(shop):
    (own,) = await shop.create_many(
        "custom_field",
        [{"record": "customer", "key": "own", "kind": "DECIMAL", "label": {"en": "Own", "zh": "自有"}}],
    )
    people = imagine(40, 7)
    await settle_in(shop, people, own)
    return people


def scans(plan):
    """Every node of a plan that reads a table."""
    if "Relation Name" in plan:
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)


async def read_of(shop, rule, customer, days):
    """How many rows each table with dated facts gives to a judgement of one customer."""
    judged = judgement(rule, as_of=days, currency="USD", customer_ids=[customer])
    async with shop.databases.tenant_read(shop.company.ref) as read:
        told = await read.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {judged.sql}", *judged.args)
    return {
        (node["Relation Name"], node["Actual Rows"] * node["Actual Loops"])
        for node in scans(orjson.loads(told)[0]["Plan"])
        if node["Relation Name"] in HEADS
    }


@pytest.mark.parametrize("several", [False, True], ids=["a day", "months"])
async def test_of_one_customer_only_its_own_rows_are_read(shop, crowd, several):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        measures = await measures_of(read)
    found = {m.source.code: m for m in registered().values() if not isinstance(m.source, ArchiveFacts)}
    person = max(crowd, key=lambda one: (len(one.invoices), len(one.orders)))
    most = max(len(person.invoices), len(person.orders))
    end = TODAY.replace(day=1) - timedelta(days=1)
    days = [end.replace(day=1) - timedelta(days=1), end] if several else [TODAY]
    level = RuleLevel(new_id(), "A", 1)
    for measure in found.values():
        content = {"kind": "THRESHOLDS", "measure": measure.code, "levels": [{"level": "A"}]}
        rule = parse_rule(content, [level], measures, version=1)
        assert isinstance(rule, GradeRule), rule
        read = await read_of(shop, rule, person.id, days)
        assert read, measure.code
        assert max(rows for _, rows in read) <= most * len(days), (measure.code, read)
