"""surveyAnalysis over the API: figures for whoever may read answers, names only for whoever may read them (V6)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kedang_graphql.engine.ids import public_id
from tests.support.answering import ask
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("V6")

ANALYSIS = """
query Analysis($id: ID!, $version: ID, $by: SurveyAnalysisGroupBy! = NONE, $from: Date! = "2026-03-01", $to: Date! = "2026-04-01") {
  surveyAnalysis(questionnaireId: $id, from: $from, to: $to, versionId: $version, groupBy: $by) {
    questionnaire
    total { ...figures }
    groups { key label figures { answers participation { sent } } }
    comments { at level text customer { name } item { key } answer { id } }
  }
}
fragment figures on SurveyFigures {
  answers
  participation { sent bounced delivered answered response { count n value low high } }
  satisfaction { n value }
  unhappy { count n value }
  nps { n promoters passives detractors value low high }
  items {
    key kind label heading n item { id }
    levels { mean satisfied { count value } topTwo { count value } distribution { code label count share } }
    nps { value } choices { code count share } numbers { mean least most }
  }
}
"""


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company)


async def answered(asked, *, day: int, **values):
    """An invitation of that day in March, and the answer to it; returns the answer's id."""
    at = datetime(2026, 3, day, 4, 0, tzinfo=UTC)
    invited = await asked.invite(sent_at=at, due_at=at, state="ANSWERED", answered_at=at)
    return await asked.factory.one(
        "survey_answer",
        invitation_id=invited.id,
        questionnaire_id=asked.questionnaire_id,
        version_id=asked.version_id,
        customer_id=asked.customer_id,
        state="SUBMITTED",
        started_at=at,
        submitted_at=at,
        source="PAGE",
        **values,
    )


async def said(asked, answer, key, **values):
    await asked.factory.one("survey_item_answer", answer_id=answer, item_id=asked.items[key], **values)


@pytest.fixture
async def told(asked):
    """Four invitations sent, one bounced; two answers, one of them unhappy."""
    at = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
    await asked.invite(sent_at=at, state="BOUNCED")
    await asked.invite(sent_at=at, state="SENT")
    glad = await answered(asked, day=4, satisfaction=Decimal(5), nps=10, unhappy=False)
    await said(asked, glad, "punctual", level="VERY_SATISFIED", comment="On the minute")
    await said(asked, glad, "contact", choice="PHONE")
    sad = await answered(asked, day=5, satisfaction=Decimal(2), nps=3, unhappy=True)
    await said(asked, sad, "punctual", level="NOT_VERY_SATISFIED")
    await said(asked, sad, "machines", number=Decimal("2.5"))
    return asked


@pytest.fixture
async def client(gateway, databases, company):
    async def make(*roles, seat="FULL", scopes=("read", "write"), of=company, language="en"):
        member = await make_member(databases, of, *roles, seat=seat)
        key = await make_key(databases, member, key=gateway.services.identity.key, scopes=scopes)
        return gateway.client(bearer=key, language=language)

    return make


def variables(asked, **more):
    return {"id": public_id("questionnaire", asked.questionnaire_id)} | more


async def test_the_figures_of_a_questionnaire(told, client):
    answer = await (await client("OWNER"))(ANALYSIS, variables(told))
    found = answer.data["surveyAnalysis"]
    total = found["total"]
    assert found["questionnaire"] == {"en": "After-service survey", "zh": "服务满意度调查"}
    assert total["participation"] == {
        "sent": 4,
        "bounced": 1,
        "delivered": 3,
        "answered": 2,
        "response": {
            "count": 2,
            "n": 3,
            "value": pytest.approx(2 / 3),
            "low": pytest.approx(0.2077, abs=1e-4),
            "high": pytest.approx(0.9385, abs=1e-4),
        },
    }
    assert (total["answers"], total["satisfaction"]) == (2, {"n": 2, "value": 3.5})
    assert total["unhappy"] == {"count": 1, "n": 2, "value": 0.5}
    assert (total["nps"]["n"], total["nps"]["promoters"], total["nps"]["value"]) == (2, 1, 0)
    items = {item["key"]: item for item in total["items"]}
    assert [item["n"] for item in total["items"]] == [2, 0, 0, 1, 1, 0, 0]
    punctual = items["punctual"]
    assert (punctual["kind"], punctual["label"]["zh"], punctual["heading"]["en"]) == (
        "LEVEL",
        "准时",
        "Our service",
    )
    assert punctual["item"]["id"] == public_id("survey_item", told.items["punctual"])
    assert punctual["levels"]["mean"] == 3.5
    assert punctual["levels"]["satisfied"] == punctual["levels"]["topTwo"] == {"count": 1, "value": 0.5}
    assert [one["count"] for one in punctual["levels"]["distribution"]] == [1, 0, 0, 1, 0]
    assert punctual["levels"]["distribution"][0]["label"]["en"] == "Very satisfied"
    assert items["skill"]["levels"]["mean"] is None
    assert items["recommend"]["nps"] == {"value": None}
    assert items["contact"]["choices"][0] == {"code": "PHONE", "count": 1, "share": 1}
    assert items["machines"]["numbers"] == {"mean": 2.5, "least": "2.5", "most": "2.5"}
    assert (items["wishes"]["levels"], items["wishes"]["choices"], items["wishes"]["numbers"]) == (None,) * 3
    (comment,) = found["comments"]
    assert comment["customer"] == {"name": "Alfreds Futterkiste"}
    assert (comment["text"], comment["level"]) == ("On the minute", "VERY_SATISFIED")
    assert comment["item"] == {"key": "punctual"}
    assert comment["at"] == "2026-03-04T04:00:00+00:00"


@pytest.mark.parametrize(
    ("by", "key", "label"),
    [
        ("MONTH", "2026-03", "2026-03"),
        ("VERSION", "version", "1"),
        ("REGION", None, "No region"),
        ("GRADE", None, "No grade"),
        ("OWNER", None, "Nobody"),
    ],
)
async def test_figures_by_group(told, client, by, key, label):
    answer = await (await client("OWNER"))(ANALYSIS, variables(told, by=by))
    (group,) = answer.data["surveyAnalysis"]["groups"]
    key = public_id("questionnaire_version", told.version_id) if key == "version" else key
    assert (group["key"], group["label"]["en"]) == (key, label)
    assert group["figures"] == {"answers": 2, "participation": {"sent": 4}}


async def test_an_onlooker_gets_figures_and_words_but_no_names(told, client):
    office = await (await client("OWNER"))(ANALYSIS, variables(told))
    onlooker = await (await client("VIEW_ONLY", seat="VIEW_ONLY"))(ANALYSIS, variables(told))
    assert onlooker.data["surveyAnalysis"]["total"] == office.data["surveyAnalysis"]["total"]
    (comment,) = onlooker.data["surveyAnalysis"]["comments"]
    assert (comment["text"], comment["customer"]) == ("On the minute", None)
    assert b"Alfreds" not in onlooker.http.content


async def test_a_representative_gets_those_of_own_customers(told, client):
    nothing = await (await client("REPRESENTATIVE"))(ANALYSIS, variables(told))
    total = nothing.data["surveyAnalysis"]["total"]
    assert (total["answers"], total["participation"]["sent"]) == (0, 0)
    assert total["participation"]["response"] == {
        "count": 0,
        "n": 0,
        "value": None,
        "low": None,
        "high": None,
    }
    assert total["nps"]["value"] is None
    assert nothing.data["surveyAnalysis"]["comments"] == []


@pytest.mark.parametrize("roles", [("FINANCE",), ()])
async def test_who_reads_no_answers_is_refused(told, client, roles):
    answer = await (await client(*roles))(ANALYSIS, variables(told))
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"] == {"surveyAnalysis": None}


async def test_what_is_no_period_and_what_is_not_there(told, client):
    owner = await client("OWNER")
    assert (await owner(ANALYSIS, variables(told, to="2026-03-01"))).codes == ["BAD_USER_INPUT"]
    assert (await owner(ANALYSIS, {"id": "nonsense"})).codes == ["NOT_FOUND"]
    version = public_id("survey_item", told.items["skill"])
    assert (await owner(ANALYSIS, variables(told, version=version))).codes == ["NOT_FOUND"]


async def test_another_company_finds_nothing(databases, two_companies, client):
    mine = await ask(databases, two_companies[0])
    answer = await (await client("OWNER", of=two_companies[1]))(ANALYSIS, variables(mine))
    assert answer.codes == ["NOT_FOUND"]


async def test_nobody_gets_it_without_signing_in(told, gateway):
    assert (await gateway.client()(ANALYSIS, variables(told))).codes == ["UNAUTHENTICATED"]
