"""Questionnaires are drafted, published and sent out over the API; and whoever sees answers without names sees none."""

import pytest

from kedang_platform.clock import SystemClock
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Lookup, Select, read_lookup
from kedang_tenants.surveys.templates import seed_questionnaires
from tests.support.factories import Factory
from tests.support.members import make_key, make_member, viewer_of
from tests.support.workers import run_jobs

DRAFT = """
mutation ($id: ID!) {
  draftQuestionnaireVersion(input: {questionnaireId: $id}) {
    record { id number state items(first: 100) { nodes { id key kind options } } }
    userErrors { path code message }
  }
}
"""
PUBLISH = """
mutation ($id: ID!) {
  publishQuestionnaireVersion(input: {id: $id}) {
    record { id number state publishedAt questionnaire { currentVersion { id } } }
    userErrors { path code message }
  }
}
"""
INVITE = """
mutation ($input: InviteToSurveyInput!) {
  inviteToSurvey(input: $input) { job { id kind state } userErrors { path code message } }
}
"""
ANSWERS = """
{ surveyAnswers { nodes {
    id satisfaction unhappy state submittedAt customerId contactId requestId
    customer { name } contact { name } request { number }
    invitation { state subject recipient customerId customer { name } contact { name } }
    itemAnswers { nodes { level comment item { key } answer { customer { name } } } }
} } }
"""


def public(prefix, record_id):
    return f"{prefix}_{record_id.hex}"


@pytest.fixture
async def signed_in(gateway, databases, company):
    """Clients of new members by their roles."""

    async def client(*roles, seat="FULL", **values):
        member = await make_member(databases, company, *roles, seat=seat, **values)
        return gateway.client(await make_key(databases, member, key=gateway.services.identity.key))

    return client


@pytest.fixture
async def drafted(databases, company):
    """The id of the questionnaire on visits, which is a draft."""
    async with databases.tenant_write(company.ref) as write:
        await seed_questionnaires(write, await system_viewer(write, company=company), clock=SystemClock())
        return await write.fetchval("SELECT id FROM questionnaire WHERE template = 'ON_VISIT'")


@pytest.mark.requirement("V1", "V2", "V3")
async def test_a_template_is_published_activated_and_sent_out(
    signed_in, databases, company, drafted, tmp_path
):
    ask = await signed_in("OWNER")
    found = (
        await ask("{ questionnaires { nodes { id name template versions { nodes { id state } } } } }")
    ).data["questionnaires"]["nodes"]
    mine = next(each for each in found if each["template"] == "ON_VISIT")
    assert mine["name"] == {"en": "Survey on a visit", "zh": "拜访满意度调查"}
    version = mine["versions"]["nodes"][0]["id"]
    published = (await ask(PUBLISH, {"id": version})).data["publishQuestionnaireVersion"]
    assert published["userErrors"] == []
    assert published["record"]["state"] == "PUBLISHED"
    assert published["record"]["questionnaire"]["currentVersion"]["id"] == version
    activate = """mutation ($id: ID!) { updateQuestionnaire(input: {id: $id, active: true}) {
        record { active } userErrors { code } } }"""
    assert (await ask(activate, {"id": mine["id"]})).data["updateQuestionnaire"]["record"] == {"active": True}

    factory = Factory(databases, company)
    customer = await factory.one("customer")
    await factory.one("contact", customer_id=customer, email="maria@alfreds.example")
    invited = (
        await ask(
            INVITE, {"input": {"questionnaireId": mine["id"], "customerIds": [public("cus", customer)]}}
        )
    ).data["inviteToSurvey"]
    assert invited["userErrors"] == []
    assert invited["job"]["kind"] == "surveys.send"
    await run_jobs(databases, settings=databases.settings.model_copy(update={"var": tmp_path}))
    job = (
        await ask(
            "query ($id: ID!) { job(id: $id) { state done total result } }", {"id": invited["job"]["id"]}
        )
    ).data["job"]
    assert job == {"state": "DONE", "done": 1, "total": 1, "result": {"seen": 1, "changed": 1}}
    told = """query ($id: ID!) { customer(id: $id) {
        surveyInvitations { nodes { recipient state contact { email } questionnaire { template } } } } }"""
    assert (await ask(told, {"id": public("cus", customer)})).data["customer"]["surveyInvitations"][
        "nodes"
    ] == [
        {
            "recipient": "maria@alfreds.example",
            "state": "PENDING",
            "contact": {"email": "maria@alfreds.example"},
            "questionnaire": {"template": "ON_VISIT"},
        }
    ]


@pytest.mark.requirement("V1")
async def test_questions_are_edited_in_the_draft_and_refused_in_what_is_published(signed_in, drafted):
    ask = await signed_in("MARKETER")
    first = (
        await ask(
            "query ($id: ID!) { questionnaire(id: $id) { versions { nodes { id } } } }",
            {"id": public("qnr", drafted)},
        )
    ).data["questionnaire"]["versions"]["nodes"][0]["id"]
    assert (await ask(PUBLISH, {"id": first})).data["publishQuestionnaireVersion"]["userErrors"] == []
    draft = (await ask(DRAFT, {"id": public("qnr", drafted)})).data["draftQuestionnaireVersion"]["record"]
    assert (draft["number"], draft["state"]) == (2, "DRAFT")
    create = """mutation ($input: CreateSurveyItemInput!) { createSurveyItem(input: $input) {
        record { key options } userErrors { path code } } }"""
    options = [{"code": c, "label": {"en": c, "zh": "价格"}} for c in ("PRICE", "QUALITY")]
    item = {
        "versionId": draft["id"],
        "position": 50,
        "key": "matters",
        "kind": "CHOICE",
        "label": {"en": "What matters most?", "zh": "您最看重什么？"},
        "options": options,
    }
    made = (await ask(create, {"input": item})).data["createSurveyItem"]
    assert made == {"record": {"key": "matters", "options": options}, "userErrors": []}
    refused = (await ask(create, {"input": {**item, "versionId": first}})).data["createSurveyItem"]
    assert refused == {"record": None, "userErrors": [{"path": ["input"], "code": "VERSION_PUBLISHED"}]}
    assert (await ask(PUBLISH, {"id": draft["id"]})).data["publishQuestionnaireVersion"]["userErrors"] == []
    again = (await ask(PUBLISH, {"id": draft["id"]})).data["publishQuestionnaireVersion"]
    assert [(e["path"], e["code"]) for e in again["userErrors"]] == [(["input", "id"], "VERSION_PUBLISHED")]
    third = (await ask(DRAFT, {"id": public("qnr", drafted)})).data["draftQuestionnaireVersion"]["record"]
    assert [i["options"] for i in third["items"]["nodes"] if i["key"] == "matters"] == [options]


async def answered(databases, company, owner=None):
    """One answer of a named customer, with everything around it."""
    factory = Factory(databases, company)
    customer = await factory.one(
        "customer", name="Alfreds Futterkiste", **({"owner_id": owner} if owner else {})
    )
    contact = await factory.one("contact", customer_id=customer, name="Maria Anders")
    request = await factory.one("service_request", customer_id=customer)
    who = {"customer_id": customer, "contact_id": contact}
    invitation = await factory.one(
        "survey_invitation", **who, subject="del_x", recipient="maria@alfreds.example", state="ANSWERED"
    )
    answer = await factory.one(
        "survey_answer",
        **who,
        invitation_id=invitation,
        request_id=request,
        state="SUBMITTED",
        satisfaction=4,
    )
    await factory.one("survey_item_answer", answer_id=answer, level="FAIRLY_SATISFIED", comment="Fine")
    return customer, invitation, answer


@pytest.mark.requirement("V6", "A11")
async def test_whoever_only_looks_on_sees_what_was_answered_but_not_by_whom(signed_in, databases, company):
    customer, _, _ = await answered(databases, company)
    ask = await signed_in("VIEW_ONLY", seat="VIEW_ONLY")
    answer = await ask(ANSWERS)
    (node,) = answer.data["surveyAnswers"]["nodes"]
    assert (node["satisfaction"], node["state"]) == ("4", "SUBMITTED")
    hidden = ("customerId", "contactId", "requestId", "customer", "contact", "request")
    assert {node[name] for name in hidden} == {None}
    invitation = node["invitation"]
    assert invitation.pop("state") == "ANSWERED"
    assert set(invitation.values()) == {None}
    (item,) = node["itemAnswers"]["nodes"]
    assert (item["level"], item["comment"], item["answer"]["customer"]) == ("FAIRLY_SATISFIED", "Fine", None)
    assert "surveyAnswers.nodes.*.customerId" in answer.masked
    assert "Alfreds" not in answer.http.text
    assert "Maria" not in answer.http.text
    assert "maria" not in answer.http.text
    for query in (
        '{ surveyAnswers(where: {customerId: {eq: "CUSTOMER"}}) { nodes { id } } }'.replace(
            "CUSTOMER", public("cus", customer)
        ),
        '{ surveyAnswers(where: {customer: {name: {eq: "Alfreds Futterkiste"}}}) { nodes { id } } }',
        "{ surveyInvitations(where: {contactId: {isNull: false}}) { nodes { id } } }",
        "{ surveyInvitations(orderBy: [{field: RECIPIENT}]) { nodes { id } } }",
        "{ surveyInvitations(orderBy: [{field: SUBJECT}]) { nodes { id } } }",
        "{ customers(where: {surveyAnswers: {some: {}}}) { nodes { id } } }",
    ):
        refused = await ask(query)
        assert refused.codes == ["BAD_USER_INPUT"], query
        assert not refused.body.get("data")
    for parents in ("customers", "serviceRequests"):
        found = await ask(
            "{ PARENTS { nodes { surveyAnswers { nodes { id } totalCount } } } }".replace("PARENTS", parents)
        )
        assert found.data[parents]["nodes"][0]["surveyAnswers"] == {"nodes": [], "totalCount": 0}


# How far each role reads answers and invitations (policy: survey, invitation, answer), who was asked, and at which address.
READS = {
    "OWNER": ("all", "all"),
    "ADMIN": ("all", "all"),
    "GENERAL_MANAGER": ("all", "all"),
    "DEPARTMENT_MANAGER": ("dept", "dept"),
    "REPRESENTATIVE": ("own", "own"),
    "ACCOUNT_MANAGER": ("own", "own"),
    "SERVICE_AGENT": ("all", "all"),
    "FINANCE": (None, None),
    "ARCHIVE_KEEPER": ("all", "all"),
    "MARKETER": ("all", None),
    "VIEW_ONLY": ("all", None),
}
_REACH = {None: (), "own": ("own",), "dept": ("own", "near"), "all": ("own", "near", "far")}


@pytest.mark.requirement("A11", "V6")
@pytest.mark.parametrize("role", READS)
async def test_every_role_reads_of_surveys_what_the_table_says(databases, company, role):
    factory = Factory(databases, company)
    unit, elsewhere = await factory.many("department", [{"name": "Here"}, {"name": "There"}])
    seat = "VIEW_ONLY" if role == "VIEW_ONLY" else "FULL"
    people = {
        "own": await make_member(databases, company, role, seat=seat, department_id=unit),
        "near": await make_member(databases, company, department_id=unit),
        "far": await make_member(databases, company, department_id=elsewhere),
    }
    viewer = await viewer_of(databases, people["own"])
    reads, addresses = (_REACH[reach] for reach in READS[role])
    for place, member in people.items():
        _, invitation, answer = await answered(databases, company, member.id)
        named = place in reads and role != "VIEW_ONLY"
        seen = await shown(
            databases, company, viewer, "survey_answer", answer, ("state", "customer_id", "request_id")
        )
        assert seen == ([True, named, named] if place in reads else None), (role, place)
        seen = await shown(
            databases, company, viewer, "survey_invitation", invitation, ("state", "contact_id", "recipient")
        )
        assert seen == ([True, named, place in addresses] if place in reads else None), (role, place)


async def shown(databases, company, viewer, record, record_id, fields):
    """Which of the fields the viewer reads; None when they do not see the record."""
    async with databases.tenant_write(company.ref) as write:
        found = await read_lookup(write, viewer, Lookup(record, (record_id,), Select(fields)))
    if not found.page.rows:
        return None
    return [found.page.rows[0][found.layout.fields[name]] is not None for name in fields]
