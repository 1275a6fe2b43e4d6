"""The questionnaires that a company begins with: three, in two languages, asking nobody anything yet."""

import orjson
import pytest

from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.surveys.templates import seed_questionnaires
from tests.support.factories import Factory

# V2 in its own words: what each template asks about, heading by heading.
ASKED = {
    "AFTER_SALE": (
        "DELIVERY_MADE",
        [
            "price",
            "performance",
            "design",
            "appearance",
            "comparison",
            "service",
            "recommendation",
            "suggestions",
        ],
    ),
    "AFTER_SERVICE": (
        "REQUEST_CLOSED",
        ["appointment", "attitude", "ability", "matters", "recommendation", "suggestions"],
    ),
    "ON_VISIT": ("BY_HAND", ["price", "quality", "comparison", "service", "recommendation", "suggestions"]),
}


@pytest.fixture
async def seeded(databases, company):
    factory = Factory(databases, company)
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await seed_questionnaires(write, viewer, clock=factory.clock)
        return {
            row["template"]: row
            for row in await write.fetch(
                "SELECT q.*, v.id AS version_id, v.number, v.state, v.introduction, v.thanks FROM questionnaire q"
                " JOIN questionnaire_version v ON v.questionnaire_id = q.id"
            )
        }


async def items_of(databases, company, version_id):
    async with databases.tenant_read(company.ref) as read:
        return await read.fetch(
            "SELECT * FROM survey_item WHERE version_id = $1 ORDER BY position", version_id
        )


@pytest.mark.requirement("V2")
async def test_each_template_asks_what_the_requirement_names(databases, company, seeded):
    assert set(seeded) == set(ASKED)
    for code, (trigger, headings) in ASKED.items():
        row = seeded[code]
        assert (row["trigger"], row["active"], row["current_version_id"]) == (trigger, False, None)
        assert (row["number"], row["state"]) == (1, "DRAFT")
        items = await items_of(databases, company, row["version_id"])
        assert [item["key"] for item in items if item["parent_id"] is None] == headings
        assert [item["position"] for item in items] == list(range(1, len(items) + 1))


@pytest.mark.requirement("V1", "V2")
async def test_each_heading_divides_into_finer_questions_with_level_and_comment(databases, company, seeded):
    for row in seeded.values():
        items = await items_of(databases, company, row["version_id"])
        kinds = {item["key"]: item["kind"] for item in items}
        assert (kinds["recommendation"], kinds["suggestions"]) == ("NPS", "TEXT")
        for heading in (item for item in items if item["kind"] == "GROUP"):
            parts = [item for item in items if item["parent_id"] == heading["id"]]
            if heading["key"] == "comparison":
                assert [part["kind"] for part in parts] == ["LEVEL", "TEXT"]
            else:
                assert len(parts) in {2, 3}
                assert {part["kind"] for part in parts} == {"LEVEL"}
        assert all(item["commentable"] is (item["kind"] == "LEVEL") for item in items)


@pytest.mark.requirement("V2")
async def test_every_text_is_there_in_chinese_and_in_english(databases, company, seeded):
    for row in seeded.values():
        texts = [row["name"], row["introduction"], row["thanks"]]
        for item in await items_of(databases, company, row["version_id"]):
            texts += [item["label"], *([item["help"]] if item["help"] else [])]
        for text in map(orjson.loads, texts):
            assert set(text) == {"en", "zh"}
            assert text["en"].isascii()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text["zh"])
