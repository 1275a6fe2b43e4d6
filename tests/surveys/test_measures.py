"""What customers answer is a measure of their grade, and moves it at once."""

import orjson
import pytest

from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel
from kedang_tenants.grading.rule_reading import parse_rule
from kedang_tenants.surveys.answering import submit_answer
from kedang_tenants.surveys.entries import Entry
from tests.support.surveying import customer_with_mail, survey


@pytest.mark.requirement("G2")
async def test_an_answer_moves_the_grade_by_satisfaction(shop):
    scheme = await shop.create("grade_scheme", name="Content", leads=True)
    codes = ("A", "B")
    ids = await shop.create_many(
        "grade_level",
        [
            {"scheme_id": scheme, "code": code, "name": {"en": code}, "colour": "#c0392b", "position": place}
            for place, code in enumerate(codes, start=1)
        ],
    )
    document = {
        "kind": "THRESHOLDS",
        "measure": "SATISFACTION",
        "levels": [{"level": "A", "minimum": 4}, {"level": "B"}],
    }
    levels = [RuleLevel(key, code, at) for at, (key, code) in enumerate(zip(ids, codes, strict=True), 1)]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        rule = parse_rule(document, levels, await measures_of(write), version=1)
        assert isinstance(rule, GradeRule)
        told = orjson.dumps(rule.document()).decode()
        await write.fetch("UPDATE grade_scheme SET state = 'PUBLISHED', rule = $1, rule_version = 1", told)
    asked = await survey(shop, "ON_VISIT")
    customer, _ = await customer_with_mail(shop)
    await asked.send(customer_ids=[customer])
    await shop.work()
    assert await shop.value("SELECT grade_level_id FROM customer WHERE id = $1", customer) is None
    (invitation,) = await asked.invitations()
    question = (await asked.items())["price_value"]["id"]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await submit_answer(
            write,
            await shop.product(),
            invitation_id=invitation["id"],
            entries=[Entry(question, {"level": "NOT_SATISFIED"})],
            clock=shop.clock,
        )
    await shop.work()
    (grade,) = await shop.fetch(
        "SELECT level_id, figures FROM customer_grade WHERE customer_id = $1 AND current", customer
    )
    assert (grade["level_id"], orjson.loads(grade["figures"])["value"]) == (ids[1], 1)
