"""Campaigns and links over the API: started, held, called off, counted; where a link leads."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.answering import ask as publish
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs

START = """mutation ($input: StartSurveySendingInput!) { startSurveySending(input: $input) {
  record { id state kind name total } job { id kind } userErrors { code path } } }"""
CREATE_LINK = """mutation ($input: CreateSurveyLinkInput!) { createSurveyLink(input: $input) {
  record { id name expiresAt revokedAt } userErrors { code path } } }"""
ADDRESS = "query ($id: ID!) { surveyLinkAddress(id: $id) { url qrSvg qrPng } }"
REVOKE = """mutation ($input: RevokeSurveyLinkInput!) { revokeSurveyLink(input: $input) {
  record { revokedAt } userErrors { code } } }"""
COUNTS = """query ($id: ID!) {
  surveySending(id: $id) { state seen invited leftOut total
    invitations(first: 10) { nodes { state skippedBecause channel } } }
  surveyInvitationAggregates(where: {sendingId: {eq: $id}}, groupBy: [STATE]) { groups { key { state } count } }
}"""


@pytest.fixture
async def asked(databases, company):
    asked = await publish(databases, company)
    await asked.factory.update("questionnaire", asked.questionnaire_id, active=True)
    return asked


@pytest.fixture
async def client(databases, company, gateway):
    async def made(role):
        member = await make_member(databases, company, role)
        return gateway.client(bearer=await make_key(databases, member, key=gateway.services.identity.key))

    return made


def public(prefix, record):
    return f"{prefix}_{record.hex}"


async def work(gateway):
    services = gateway.services
    drained = await run_jobs(
        services.databases, settings=services.settings.model_copy(update={"spare_schemas": 0})
    )
    assert not drained.failures, drained.failures


@pytest.mark.requirement("V3")
async def test_a_campaign_is_started_by_a_filter_and_counted(asked, client, gateway):
    marketer = await client("MARKETER")
    for country in ("DE", "DE", "US"):
        customer = await asked.factory.one("customer", country=country)
        await asked.factory.one("contact", customer_id=customer, email=f"{customer.hex}@x.example")
    mute = await asked.factory.one("customer", country="DE")
    assert mute
    given = {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "reason": "PROMOTION",
        "name": "Double 11",
        "customers": {"country": {"eq": "DE"}},
    }
    started = (await marketer(START, {"input": given})).data["startSurveySending"]
    assert started["userErrors"] == []
    told = {"state": "SCHEDULED", "kind": "PROMOTION", "name": "Double 11", "total": None}
    assert {name: started["record"][name] for name in told} == told
    assert started["job"]["kind"] == "surveys.send"
    await work(gateway)
    found = await marketer(COUNTS, {"id": started["record"]["id"]})
    assert found.errors == []
    sending = found.data["surveySending"]
    invitations = sending.pop("invitations")["nodes"]
    assert sending == {"state": "DONE", "seen": 3, "invited": 2, "leftOut": 1, "total": 3}
    groups = found.data["surveyInvitationAggregates"]["groups"]
    assert {group["key"]["state"]: group["count"] for group in groups} == {"PENDING": 2, "SKIPPED": 1}
    assert sorted((row["state"], row["skippedBecause"]) for row in invitations if row["skippedBecause"]) == [
        ("SKIPPED", "NO_ADDRESS")
    ]


@pytest.mark.requirement("V3")
@pytest.mark.parametrize(
    ("more", "code", "argument"),
    [
        ({}, "REQUIRED", "customerIds"),
        ({"customers": {"nonsense": 1}}, "BAD_USER_INPUT", "customers"),
        (
            {"customers": {}, "contactIds": ["con_00000000000000000000000000000001"]},
            "AUDIENCE_AMBIGUOUS",
            "customerIds",
        ),
        ({"customers": {}, "name": ""}, "REQUIRED", "name"),
    ],
)
async def test_what_is_no_audience_is_refused(asked, client, more, code, argument):
    marketer = await client("MARKETER")
    given = {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "reason": "CAMPAIGN",
        "name": "Spring",
        **more,
    }
    answer = (await marketer(START, {"input": given})).data["startSurveySending"]
    assert [(error["code"], error["path"]) for error in answer["userErrors"]] == [(code, ["input", argument])]
    assert await asked.rows("SELECT 1 FROM survey_sending") == []


@pytest.mark.requirement("V3")
async def test_a_sending_is_held_resumed_and_called_off(asked, client):
    marketer, keeper = await client("MARKETER"), await client("ARCHIVE_KEEPER")
    given = {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "reason": "CAMPAIGN",
        "name": "Spring",
        "contacts": {},
        "sendAt": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    sending = (await marketer(START, {"input": given})).data["startSurveySending"]["record"]["id"]

    async def do(who, verb):
        query = f"mutation ($id: ID!) {{ {verb}(input: {{id: $id}}) {{ record {{ state }} userErrors {{ code }} }} }}"
        answer = (await who(query, {"id": sending})).data[verb]
        return answer["record"]["state"] if answer["record"] else [e["code"] for e in answer["userErrors"]]

    assert await do(keeper, "pauseSurveySending") == ["FORBIDDEN"]
    assert await do(marketer, "pauseSurveySending") == "PAUSED"
    assert await do(marketer, "pauseSurveySending") == ["SENDING_OVER"]
    assert await do(marketer, "resumeSurveySending") == "SCHEDULED"
    assert await do(marketer, "cancelSurveySending") == "CANCELLED"
    assert await do(marketer, "resumeSurveySending") == ["SENDING_OVER"]


@pytest.mark.requirement("V3")
async def test_a_link_is_made_told_with_its_qr_code_and_revoked(asked, client, gateway):
    marketer, seller = await client("MARKETER"), await client("REPRESENTATIVE")
    soon = datetime.now(UTC) + timedelta(days=30)
    given = {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "name": "Counter",
        "expiresAt": soon.isoformat(),
    }
    made = (await marketer(CREATE_LINK, {"input": given})).data["createSurveyLink"]
    assert made["userErrors"] == []
    assert (made["record"]["name"], made["record"]["revokedAt"]) == ("Counter", None)
    link = made["record"]["id"]
    address = (await marketer(ADDRESS, {"id": link})).data["surveyLinkAddress"]
    assert address["url"].startswith(f"{gateway.services.settings.base_url}/s/{asked.company.handle}.")
    assert (address["qrSvg"], address["qrPng"]) == (f"{address['url']}/qr.svg", f"{address['url']}/qr.png")
    assert (await seller(ADDRESS, {"id": link})).data["surveyLinkAddress"] is None
    assert [
        e["code"]
        for e in (await seller(REVOKE, {"input": {"id": link}})).data["revokeSurveyLink"]["userErrors"]
    ] == ["NOT_FOUND"]
    revoked = (await marketer(REVOKE, {"input": {"id": link}})).data["revokeSurveyLink"]["record"]
    assert revoked["revokedAt"] is not None
    for wrong, code in (
        ({"name": " "}, "LINK_NAME_MISSING"),
        ({"expiresAt": (soon - timedelta(days=31)).isoformat()}, "LINK_TIME_INVALID"),
        ({"expiresAt": (soon + timedelta(days=3700)).isoformat()}, "LINK_TIME_INVALID"),
    ):
        refused = (await marketer(CREATE_LINK, {"input": given | wrong})).data["createSurveyLink"]
        assert [error["code"] for error in refused["userErrors"]] == [code]
    assert len(await asked.rows("SELECT 1 FROM survey_link")) == 1


CANCEL_JOB = """mutation ($input: CancelJobInput!) { cancelJob(input: $input) {
  job { state } userErrors { code } } }"""


@pytest.mark.requirement("V3", "O3")
async def test_calling_off_the_job_that_waits_calls_off_its_sending(asked, client, gateway):
    administrator = await client("ADMIN")
    given = {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "reason": "CAMPAIGN",
        "name": "Tomorrow",
        "customers": {},
        "sendAt": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    started = (await administrator(START, {"input": given})).data["startSurveySending"]
    called_off = (await administrator(CANCEL_JOB, {"input": {"id": started["job"]["id"]}})).data["cancelJob"]
    assert called_off == {"job": {"state": "WAITING"}, "userErrors": []}
    await work(gateway)  # its handler ends it, and with it the sending
    found = await administrator(COUNTS, {"id": started["record"]["id"]})
    assert found.data["surveySending"]["state"] == "CANCELLED"
