"""Handover over the API, by a person who has just proved who they are (A12)."""

import pytest

from kedang_platform.licensing import subscribe
from tests.support.members import make_key, make_member
from tests.support.workers import run_jobs
from tests.wall.sides import open_session

pytestmark = pytest.mark.requirement("A12")
HAND_OVER = """
mutation ($input: HandOverInput!) {
  handOver(input: $input) {
    record { id state member { name } successor { name } customersMoved }
    userErrors { path code message }
  }
}"""
PREVIEW = """
query ($member: ID!) {
  handoverPreview(memberId: $member) { inHand { customers plans requests } takenOut { kind what records } }
}"""
READ = "query ($id: ID!) { handover(id: $id) { state customersMoved customers { nodes { told customer { name } } } } }"
SIGN = """
mutation ($input: SignHandoverInput!) {
  signHandover(input: $input) { record { state keeperSignedBy { name } } userErrors { path code } }
}"""


@pytest.fixture
async def people(gateway, company):
    """The owner at a browser, and the member ids of the leaver and the successor."""
    services = gateway.services
    async with services.databases.control() as control:
        await subscribe(control, company_id=company.id, free_seats=9, now=services.clock.now())
    owner = await make_member(services.databases, company, "OWNER", name="Andrew Fuller")
    nancy = await make_member(services.databases, company, "REPRESENTATIVE", name="Nancy Davolio")
    janet = await make_member(services.databases, company, "REPRESENTATIVE", name="Janet Leverling")
    ask = gateway.client(language="zh-CN")
    ask.http.headers["cookie"] = f"kedang={await open_session(gateway, owner)}"
    return ask, owner, f"mem_{nancy.id.hex}", f"mem_{janet.id.hex}"


async def test_a_member_leaves_and_the_archive_signs(gateway, company, people):
    ask, _, nancy, janet = people
    create = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id } userErrors { code } } }"
    await ask(create, {"input": {"name": "Alfreds Futterkiste", "ownerId": nancy}})
    before = (await ask(PREVIEW, {"member": nancy})).data["handoverPreview"]
    assert before == {"inHand": {"customers": 1, "plans": 0, "requests": 0}, "takenOut": []}
    given = {"memberId": nancy, "successorId": janet, "reason": "退休"}
    asked = (await ask(HAND_OVER, {"input": given})).data["handOver"]
    assert asked["userErrors"] == []
    handover = asked["record"].pop("id")
    assert asked["record"] == {
        "state": "RUNNING",
        "member": {"name": "Nancy Davolio"},
        "successor": {"name": "Janet Leverling"},
        "customersMoved": 0,
    }
    settings = gateway.services.settings.model_copy(update={"spare_schemas": 0})
    assert not (await run_jobs(gateway.services.databases, settings=settings)).failures
    assert (await ask(READ, {"id": handover})).data["handover"] == {
        "state": "HANDED_OVER",
        "customersMoved": 1,
        "customers": {"nodes": [{"told": "NO_ADDRESS", "customer": {"name": "Alfreds Futterkiste"}}]},
    }
    signed = [
        (await ask(SIGN, {"input": {"id": handover, "side": side}})).data["signHandover"]
        for side in ("DEPARTMENT", "KEEPER")
    ]
    assert [each["userErrors"] for each in signed] == [[], []]
    assert signed[1]["record"] == {"state": "SIGNED", "keeperSignedBy": {"name": "Andrew Fuller"}}


async def test_wrong_wishes_are_told_where_they_are_wrong(people):
    ask, owner, nancy, janet = people
    for wish, path, code in (
        ({"successorId": nancy}, ["input", "successorId"], "SUCCESSOR_UNFIT"),
        ({"contactDays": 0}, ["input", "contactDays"], "OUT_OF_RANGE"),
        ({"memberId": f"mem_{'0' * 32}"}, ["input", "memberId"], "NOT_FOUND"),
        ({"memberId": f"mem_{owner.id.hex}"}, ["input"], "LAST_OWNER"),
    ):
        answer = (await ask(HAND_OVER, {"input": {"memberId": nancy, "successorId": janet} | wish})).data[
            "handOver"
        ]
        assert answer["record"] is None
        assert [(error["path"], error["code"]) for error in answer["userErrors"]] == [(path, code)]
    assert (await ask("{ handovers { totalCount } members { nodes { state } } }")).data == {
        "handovers": {"totalCount": 0},
        "members": {"nodes": [{"state": "ACTIVE"}] * 3},
    }


async def test_a_key_hands_nothing_over(gateway, people):
    _, owner, nancy, janet = people
    services = gateway.services
    key = await make_key(services.databases, owner, key=services.identity.key)
    answer = await gateway.client(bearer=key)(HAND_OVER, {"input": {"memberId": nancy, "successorId": janet}})
    assert answer.codes == ["FORBIDDEN"]
