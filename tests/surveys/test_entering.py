"""An opinion noted on a visit or taken from paper: by whom, for whose customer, and told apart (V5)."""

import pytest

from kedang_tenants.surveys.models import ON_VISIT
from tests.support.answering import ask
from tests.support.digests import digests
from tests.support.members import make_key, make_member

ENTER = """
mutation ($input: EnterSurveyAnswerInput!) { enterSurveyAnswer(input: $input) {
  record { id state source satisfaction nps unhappy enteredBy { name } customer { name } invitation { channel state }
    itemAnswers { nodes { level number choice day text comment } } }
  userErrors { path code message }
} }"""


@pytest.fixture
async def asked(databases, company):
    return await ask(databases, company, template=ON_VISIT)


@pytest.fixture
async def visitor(gateway, databases, asked):
    """A representative whose customer was visited, and their way to the API."""
    member = await make_member(databases, asked.company, "REPRESENTATIVE", name="Nancy Davolio")
    await asked.factory.update("customer", asked.customer_id, owner_id=member.id)
    return gateway.client(await make_key(databases, member, key=gateway.services.identity.key), "en")


def public(prefix, record_id):
    return f"{prefix}_{record_id.hex}"


def entry(asked, key, **values):
    return {"itemId": public("svi", asked.items[key]), **values}


def visit(asked, *entries, **more):
    return {
        "questionnaireId": public("qnr", asked.questionnaire_id),
        "customerId": public("cus", asked.customer_id),
        "entries": list(entries),
        **more,
    }


async def enter(client, **given):
    return (await client(ENTER, {"input": given})).data["enterSurveyAnswer"]


async def refused(client, asked, **given):
    """The codes and paths with which it was refused; nothing was written."""
    before = await digests(asked.databases, asked.company.ref)
    payload = await enter(client, **given)
    assert payload["record"] is None
    assert await digests(asked.databases, asked.company.ref) == before
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


@pytest.mark.requirement("V5")
async def test_what_was_said_on_a_visit_is_noted_with_who_noted_it(asked, visitor):
    contact = await asked.factory.one("contact", customer_id=asked.customer_id)
    said = visit(
        asked,
        entry(asked, "skill", level="NOT_SATISFIED", comment="The new one broke it."),
        entry(asked, "recommend", number="6"),
        entry(asked, "contact", choice="PHONE"),
        entry(asked, "visited", day="2026-11-20"),
        contactId=public("con", contact),
    )
    payload = await enter(visitor, **said)
    assert payload["userErrors"] == []
    record = payload["record"]
    nodes = record.pop("itemAnswers")["nodes"]
    assert record == {
        "id": record["id"],
        "state": "SUBMITTED",
        "source": "MEMBER",
        "satisfaction": "1",
        "nps": 6,
        "unhappy": True,
        "enteredBy": {"name": "Nancy Davolio"},
        "customer": {"name": "Alfreds Futterkiste"},
        "invitation": {"channel": "VISIT", "state": "ANSWERED"},
    }
    assert sorted((n["level"] or n["number"] or n["choice"] or n["day"], n["comment"]) for n in nodes) == [
        ("2026-11-20", None),
        ("6", None),
        ("NOT_SATISFIED", "The new one broke it."),
        ("PHONE", None),
    ]
    (event,) = await asked.rows(
        "SELECT actor_id IS NOT NULL AS by_member, via FROM audit WHERE action = 'survey_answer.submitted'"
    )
    assert event == {"by_member": True, "via": "api_key"}


@pytest.mark.requirement("V5", "V4")
async def test_a_form_filled_in_on_paper_uses_the_invitation_up(asked, visitor, gateway):
    invited = await asked.invite()
    given = {
        "invitationId": public("sin", invited.id),
        "entries": [entry(asked, "wishes", text="Longer hours.")],
    }
    payload = await enter(visitor, **given)
    assert payload["record"]["invitation"] == {"channel": "EMAIL", "state": "ANSWERED"}
    assert (await visitor.http.get(invited.path)).status_code == 410
    assert await refused(visitor, asked, **given) == [("INVITATION_USED", ["input"])]
    assert await asked.given(invited) == {"wishes": "Longer hours."}


async def test_paper_replaces_what_the_customer_had_only_begun(asked, visitor, gateway):
    invited = await asked.invite()
    headers = {"origin": gateway.url}
    begun = {"do": "keep", "a1": "NOT_SATISFIED", "a7": "Begun."}
    assert (await visitor.http.post(invited.path, data=begun, headers=headers)).status_code == 204
    given = {"invitationId": public("sin", invited.id), "entries": [entry(asked, "wishes", text="Paper.")]}
    record = (await enter(visitor, **given))["record"]
    assert (record["source"], record["enteredBy"]) == ("MEMBER", {"name": "Nancy Davolio"})
    assert await asked.given(invited) == {"wishes": "Paper."}
    assert record["satisfaction"] is None


@pytest.mark.requirement("V5", "A11")
async def test_nobody_enters_answers_for_customers_of_others(asked, visitor, databases):
    elsewhere = await asked.factory.one("customer", name="Rival")
    said = {**visit(asked, entry(asked, "wishes", text="x")), "customerId": public("cus", elsewhere)}
    assert await refused(visitor, asked, **said) == [("NOT_FOUND", ["input", "customerId"])]
    invited = await asked.invite(customer_id=elsewhere)
    given = {"invitationId": public("sin", invited.id), "entries": said["entries"]}
    assert await refused(visitor, asked, **given) == [("NOT_FOUND", ["input", "invitationId"])]


@pytest.mark.requirement("V5", "A11")
@pytest.mark.parametrize("role", ["VIEW_ONLY", "FINANCE"])
async def test_whoever_may_not_survey_enters_nothing(gateway, databases, asked, role):
    member = await make_member(databases, asked.company, role)
    client = gateway.client(await make_key(databases, member, key=gateway.services.identity.key), "en")
    said = visit(asked, entry(asked, "wishes", text="x"))
    assert await refused(client, asked, **said) == [("FORBIDDEN", ["input"])]


@pytest.mark.requirement("V5")
async def test_what_cannot_be_meant_is_refused_where_it_stands(asked, visitor, company):
    said = visit(asked, entry(asked, "wishes", text="x"))
    stranger = public("con", await asked.factory.one("contact"))
    draft = await asked.factory.one("questionnaire")
    invited = await asked.invite()
    for change, told in (
        ({"questionnaireId": None}, ("BAD_USER_INPUT", ["input"])),
        (
            {"invitationId": public("sin", invited.id), "questionnaireId": public("qnr", draft)},
            ("BAD_USER_INPUT", ["input", "questionnaireId"]),
        ),
        ({"contactId": stranger}, ("NOT_FOUND", ["input", "contactId"])),
        (
            {"questionnaireId": public("qnr", draft)},
            ("QUESTIONNAIRE_UNPUBLISHED", ["input", "questionnaireId"]),
        ),
        ({"questionnaireId": stranger}, ("NOT_FOUND", ["input", "questionnaireId"])),
        ({"entries": []}, ("NOTHING_ANSWERED", ["input", "entries"])),
        ({"entries": [entry(asked, "wishes", text=" ")]}, ("NOTHING_ANSWERED", ["input", "entries"])),
        (
            {"entries": [entry(asked, "wishes", number="1")]},
            ("NOT_ASKED", ["input", "entries", "0", "number"]),
        ),
        (
            {"entries": [{"itemId": stranger, "text": "x"}]},
            ("NOT_FOUND", ["input", "entries", "0", "itemId"]),
        ),
        (
            {"entries": [entry(asked, "recommend", number="11")]},
            ("OUT_OF_RANGE", ["input", "entries", "0", "number"]),
        ),
    ):
        assert await refused(visitor, asked, **{**said, **change}) == [told], change
    assert (await enter(visitor, **said))["userErrors"] == []


@pytest.mark.requirement("V5")
async def test_a_contact_of_another_customer_is_refused(asked, visitor):
    (owner,) = await asked.rows("SELECT owner_id FROM customer WHERE id = $1", asked.customer_id)
    second = await asked.factory.one("customer", owner_id=owner["owner_id"])
    contact = await asked.factory.one("contact", customer_id=second)
    said = visit(asked, entry(asked, "wishes", text="x"), contactId=public("con", contact))
    assert await refused(visitor, asked, **said) == [("BAD_USER_INPUT", ["input", "contactId"])]
