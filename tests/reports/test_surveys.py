"""The survey analysis as a report, against SQL over the answers."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from kedang_platform.i18n import translate
from kedang_platform.ids import new_id
from tests.reports.world import World
from tests.support.surveying import Survey, survey

FEBRUARY = {"period": "BETWEEN", "starts_on": date(2026, 2, 1), "ends_on": date(2026, 2, 28)}
SENT = datetime(2026, 2, 10, 15, 0, tzinfo=UTC)
VERY, FAIRLY, NOT = "VERY_SATISFIED", "FAIRLY_SATISFIED", "NOT_SATISFIED"
POINTS = {VERY: 5, FAIRLY: 4, NOT: 1}


async def make(shop, record: str, **values) -> UUID:
    return await shop.create(record, internally=True, viewer=await shop.product(), **values)


async def invite(world: World, asked: Survey, number: str, *, state: str = "SENT", sent_at=SENT) -> UUID:
    return await make(
        world.shop,
        "survey_invitation",
        questionnaire_id=asked.id,
        version_id=asked.version_id,
        customer_id=world.customers[number],
        channel="EMAIL",
        recipient="somebody@x.example",
        state=state,
        due_at=sent_at,
        sent_at=sent_at,
        answered_at=SENT + timedelta(days=1) if state == "ANSWERED" else None,
        expires_at=sent_at + timedelta(days=14),
        occasion=new_id().hex,
    )


async def answer(world: World, asked: Survey, number: str, levels, *, nps=None, comment=None) -> None:
    """A handed-in answer, with ``levels`` for the first questions that ask for one."""
    shop, at = world.shop, SENT + timedelta(days=1)
    invitation = await invite(world, asked, number, state="ANSWERED")
    points = [POINTS[level] for level in levels]
    made = await make(
        shop,
        "survey_answer",
        invitation_id=invitation,
        questionnaire_id=asked.id,
        version_id=asked.version_id,
        customer_id=world.customers[number],
        state="SUBMITTED",
        started_at=at,
        submitted_at=at,
        source="PAGE",
        satisfaction=round(sum(points) / len(points), 2),
        nps=nps,
        unhappy=NOT in levels,
    )
    questions = [item for item in (await asked.items()).values() if item["kind"] == "LEVEL"]
    for item, level in zip(questions, levels, strict=False):
        said = comment if item is questions[0] else None
        await make(shop, "survey_item_answer", answer_id=made, item_id=item["id"], level=level, comment=said)


LEVELS = """
SELECT i.label->>'zh' AS question, s.level, count(*) AS n
FROM survey_item_answer s JOIN survey_item i ON i.id = s.item_id JOIN survey_answer a ON a.id = s.answer_id
WHERE a.state = 'SUBMITTED' GROUP BY 1, 2
"""
WHOLE = """
SELECT count(*) AS answers, avg(satisfaction) AS mean, avg(unhappy::int) AS unhappy,
       100.0 * (count(*) FILTER (WHERE nps >= 9) - count(*) FILTER (WHERE nps <= 6)) / count(nps) AS nps,
       (SELECT count(*) FROM survey_invitation WHERE sent_at < '2026-03-01') AS sent,
       (SELECT count(*) FROM survey_invitation WHERE state = 'BOUNCED') AS bounced
FROM survey_answer WHERE state = 'SUBMITTED'
"""


@pytest.mark.requirement("R1", "V6")
async def test_survey_analysis_in_all_formats_and_without_names_for_who_may_not_export(world):
    shop = world.shop
    asked = await survey(shop, "AFTER_SALE", cooldown_days=0)
    await answer(world, asked, "C1", [VERY, FAIRLY], nps=10, comment="=很好，谢谢 <b>!")
    await answer(world, asked, "C2", [NOT, FAIRLY], nps=3)
    await answer(world, asked, "C3", [VERY, VERY])
    await invite(world, asked, "C4")
    await invite(world, asked, "C5", state="BOUNCED")
    await invite(world, asked, "C1", sent_at=datetime(2026, 3, 1, 15, tzinfo=UTC))  # not of the period
    wish = {"questionnaire_id": asked.id, **FEBRUARY}
    made = await world.made(
        "fuller", "SURVEY_ANALYSIS", formats=["XLSX", "PDF", "CSV"], language="ZH_CN", **wish
    )

    def zh(text: str) -> str:
        return translate(text, "zh-CN")

    (whole,) = await shop.fetch(WHOLE)
    heading, *_, total = made.sheet(zh("By grade"))
    told = dict(zip(heading, total, strict=True))
    assert (told[zh("Sent")], told[zh("Bounced")], told[zh("Answered")]) == (
        whole["sent"],
        whole["bounced"],
        3,
    )
    assert told[zh("Response rate")] == pytest.approx(3 / (whole["sent"] - whole["bounced"]))
    assert told[zh("Answers")] == whole["answers"] == 3
    assert told[zh("Satisfaction")] == pytest.approx(float(whole["mean"]), abs=1e-6)
    assert told[zh("Unhappy")] == pytest.approx(float(whole["unhappy"]), abs=1e-6)
    assert told[zh("NPS")] == pytest.approx(float(whole["nps"]))
    assert made.sheet(zh("By month"))[1][:2] == ["2026-02", 5]

    counted = {(row["question"], row["level"]): row["n"] for row in await shop.fetch(LEVELS)}
    labels = {
        zh(option): code
        for option, code in (("Very satisfied", VERY), ("Fairly satisfied", FAIRLY), ("Not satisfied", NOT))
    }
    found = {}
    for question, said, count, share in made.sheet(zh("Distribution of answers"))[1:]:
        if said in labels and count:
            found[question.rpartition(" · ")[2], labels[said]] = count
            assert share == pytest.approx(count / 3, abs=1e-6)
    assert found == counted
    assert made.csv[0][0] == zh("Question")
    assert next(line[0] for line in made.csv[1:]) in made.text.replace("\n", "")

    (comment,) = made.sheet(zh("Comments"))[1:]
    assert comment[1:] == [
        "上海龙腾科技有限公司",
        next(iter(question for question, _ in counted if question == comment[2])),
        zh("Very satisfied"),
        "=很好，谢谢 <b>!",
    ]
    assert "=很好，谢谢 <b>!" in made.text.replace("\n", "")

    mine = await world.made("davolio", "SURVEY_ANALYSIS", language="EN", **wish)
    assert "Comments" not in mine.book.sheetnames
    heading, *_, total = mine.sheet("By grade")
    assert dict(zip(heading, total, strict=True))["Answers"] == 2  # those of her own two customers
