"""People over GraphQL: the verbs as an integrator and a browser use them."""

import re

import pytest

from kedang_platform.mail import list_mails
from tests.support.people import FULLER, PASSWORD
from tests.support.workers import run_jobs

SIGN_UP = """
mutation ($input: SignUpInput!) { signUp(input: $input) { accepted userErrors { path message code } } }
"""
CONFIRM = """
mutation ($token: String!) {
  confirmEmail(input: {token: $token}) {
    person { id email name language } company { id name timeZone currency language country }
    userErrors { path message code }
  }
}
"""
SIGN_IN = """
mutation ($email: String!, $password: String!, $companyId: ID) {
  signIn(input: {email: $email, password: $password, companyId: $companyId}) {
    person { email } company { id name } userErrors { path message code }
  }
}
"""
INVITE = """
mutation ($input: InviteMemberInput!) {
  inviteMember(input: $input) { member { id name email roles seat state } userErrors { path message code } }
}
"""
ACCEPT = """
mutation ($token: String!, $password: String!) {
  acceptInvitation(input: {token: $token, password: $password}) {
    person { email } company { name } userErrors { path message code }
  }
}
"""
CREATE_KEY = """
mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { id name prefix scopes memberId } userErrors { path message code } }
}
"""
ME = """
{ me { person { name email } company { name timeZone currency language country } member { id name roles seat }
       seats { free paid taken } companies { name } } }
"""
WISH = {
    "email": FULLER.email,
    "password": PASSWORD,
    "name": FULLER.name,
    "companyName": FULLER.company,
    "country": "US",
    "language": "en",
    "timeZone": "America/New_York",
    "currency": "USD",
}


class Desk:
    """One browser that speaks GraphQL, and the mails that arrive."""

    def __init__(self, gateway, client):
        self.gateway, self.client = gateway, client

    async def __call__(self, query, **variables):
        return (await self.client(query, variables)).data

    async def token(self, email):
        services = self.gateway.services
        settings = services.settings.model_copy(update={"spare_schemas": 0})
        await run_jobs(services.databases, settings=settings)
        newest = list_mails(services.settings.var / "mail", to=email)[0]
        return re.search(r"token=([\w-]+)", newest.text)[1]

    async def open(self, **differences):
        wish = {**WISH, **differences}
        await self(SIGN_UP, input=wish)
        return (await self(CONFIRM, token=await self.token(wish["email"])))["confirmEmail"]

    async def invite(self, email="nancy@northwind.example", **differences):
        given = {"email": email, "name": "Nancy Davolio", "roles": ["REPRESENTATIVE"], "seat": "FULL"}
        return (await self(INVITE, input=given | differences))["inviteMember"]

    async def key(self, **differences):
        given = {"name": "Integration", "scopes": ["READ", "WRITE"]} | differences
        return (await self(CREATE_KEY, input=given))["createApiKey"]


@pytest.fixture
async def desk(gateway):
    return Desk(gateway, gateway.client())


@pytest.mark.requirement("T1", "T5")
async def test_sign_up_confirm_and_me(desk):
    assert await desk(SIGN_UP, input=WISH) == {"signUp": {"accepted": True, "userErrors": []}}
    answer = await desk.client(CONFIRM, {"token": await desk.token(FULLER.email)})
    told = answer.data["confirmEmail"]
    assert told["userErrors"] == []
    assert told["person"]["id"].startswith("per_")
    assert told["company"] | {"id": ""} == {
        "id": "",
        "name": "Northwind Traders",
        "timeZone": "America/New_York",
        "currency": "USD",
        "language": "en",
        "country": "US",
    }
    assert answer.http.headers["set-cookie"].startswith("kedang=")
    me = (await desk(ME))["me"]
    assert re.fullmatch(r"mem_[0-9a-f]{32}", me["member"].pop("id"))
    assert me == {
        "person": {"name": "Andrew Fuller", "email": "andrew.fuller@northwind.example"},
        "company": {
            "name": "Northwind Traders",
            "timeZone": "America/New_York",
            "currency": "USD",
            "language": "en",
            "country": "US",
        },
        "member": {"name": "Andrew Fuller", "roles": ["OWNER"], "seat": "FULL"},
        "seats": {"free": 2, "paid": 0, "taken": 1},
        "companies": [{"name": "Northwind Traders"}],
    }


async def test_refusals_name_the_field_in_the_language_of_the_request(desk, gateway):
    chinese = Desk(gateway, gateway.client(language="zh-CN"))
    for wrong, path, code in (
        ({"email": "andrew"}, ["input", "email"], "INVALID_EMAIL"),
        ({"password": "short"}, ["input", "password"], "PASSWORD_TOO_SHORT"),
        ({"password": "qwertyuiop"}, ["input", "password"], "PASSWORD_TOO_COMMON"),
        ({"companyName": ""}, ["input", "companyName"], "NAME_MISSING"),
        ({"name": ""}, ["input", "name"], "NAME_MISSING"),
        ({"country": "XX"}, ["input", "country"], "COUNTRY_UNKNOWN"),
        ({"timeZone": "Mars/X"}, ["input", "timeZone"], "TIME_ZONE_UNKNOWN"),
        ({"currency": "XXX"}, ["input", "currency"], "CURRENCY_UNKNOWN"),
        ({"language": "fr"}, ["input", "language"], "LANGUAGE_UNKNOWN"),
    ):
        told = (await desk(SIGN_UP, input=WISH | wrong))["signUp"]
        assert told["accepted"] is False
        assert [(e["path"], e["code"]) for e in told["userErrors"]] == [(path, code)]
        assert (await chinese(SIGN_UP, input=WISH | wrong))["signUp"]["userErrors"][0]["code"] == code


async def test_a_wrong_password_sets_no_cookie(desk):
    await desk.open()
    desk.client.http.cookies.clear()
    answer = await desk.client(SIGN_IN, {"email": FULLER.email, "password": "wrong but long enough"})
    assert answer.data["signIn"] == {
        "person": None,
        "company": None,
        "userErrors": [
            {
                "path": ["input"],
                "message": "The e-mail address or the password is wrong.",
                "code": "WRONG_CREDENTIALS",
            }
        ],
    }
    assert "set-cookie" not in answer.http.headers


async def test_signing_in_and_out(desk):
    opened = await desk.open()
    desk.client.http.cookies.clear()
    told = (await desk(SIGN_IN, email=FULLER.email, password=PASSWORD))["signIn"]
    assert told == {
        "person": {"email": FULLER.email},
        "company": {"id": opened["company"]["id"], "name": "Northwind Traders"},
        "userErrors": [],
    }
    assert (await desk("{ me { person { name } } }"))["me"]["person"]["name"] == "Andrew Fuller"
    answer = await desk.client("mutation { signOut { done } }")
    assert answer.data == {"signOut": {"done": True}}
    assert 'kedang=""' in answer.http.headers["set-cookie"]
    assert (await desk.client("{ me { person { name } } }")).codes == ["UNAUTHENTICATED"]


async def test_sessions_are_listed_and_ended_one_by_one(desk, gateway):
    await desk.open()
    other = Desk(gateway, gateway.client())
    await other(SIGN_IN, email=FULLER.email, password=PASSWORD)
    sessions = (await desk("{ sessions { id current userAgent } }"))["sessions"]
    assert sorted(session["current"] for session in sessions) == [False, True]
    assert {session["userAgent"].partition("/")[0] for session in sessions} == {"python-httpx"}
    end = "mutation ($id: ID!) { endSession(input: {id: $id}) { done userErrors { path code } } }"
    theirs = next(session["id"] for session in sessions if not session["current"])
    assert await desk(end, id=theirs) == {"endSession": {"done": True, "userErrors": []}}
    assert (await other.client("{ me { person { name } } }")).codes == ["UNAUTHENTICATED"]
    assert await desk(end, id=theirs) == {
        "endSession": {"done": False, "userErrors": [{"path": ["input", "id"], "code": "NOT_FOUND"}]}
    }
    for wrong in ("", "ses_", "ses_zz", "key_" + "0" * 32):
        assert (await desk(end, id=wrong))["endSession"]["userErrors"][0]["code"] == "NOT_FOUND"


@pytest.mark.requirement("T2", "T3")
async def test_inviting_and_accepting(desk, gateway):
    await desk.open()
    invited = await desk.invite()
    member = invited["member"]
    assert member | {"id": ""} == {
        "id": "",
        "name": "Nancy Davolio",
        "email": "nancy@northwind.example",
        "roles": ["REPRESENTATIVE"],
        "seat": "FULL",
        "state": "INVITED",
    }
    refused = await desk.invite("janet@northwind.example")
    assert refused["member"] is None
    assert [(e["path"], e["code"]) for e in refused["userErrors"]] == [(["input", "seat"], "SEAT_REQUIRED")]
    viewer = await desk.invite("janet@northwind.example", seat="VIEW_ONLY")
    assert viewer["member"]["seat"] == "VIEW_ONLY"
    nancy = Desk(gateway, gateway.client())
    token = await desk.token("nancy@northwind.example")
    told = (await nancy(ACCEPT, token=token, password="sieben Hirsche im Wald"))["acceptInvitation"]
    assert told["company"] == {"name": "Northwind Traders"}
    assert (await nancy(ME))["me"]["member"]["id"] == member["id"]
    not_hers = await nancy.invite("third@northwind.example", seat="VIEW_ONLY")
    assert [e["code"] for e in not_hers["userErrors"]] == ["FORBIDDEN"]


@pytest.mark.requirement("T2")
async def test_deactivating_a_member_answers_with_the_member(desk):
    await desk.open()
    member = (await desk.invite())["member"]
    deactivate = """mutation ($id: ID!) {
      deactivateMember(input: {id: $id}) { member { id state } userErrors { path code } } }"""
    assert await desk(deactivate, id=member["id"]) == {
        "deactivateMember": {"member": {"id": member["id"], "state": "SUSPENDED"}, "userErrors": []}
    }
    me = (await desk(ME))["me"]["member"]["id"]
    told = (await desk(deactivate, id=me))["deactivateMember"]
    assert told == {"member": None, "userErrors": [{"path": ["input"], "code": "LAST_OWNER"}]}
    for wrong in ("", "mem_" + "0" * 32, "cus_" + "0" * 32):
        told = (await desk(deactivate, id=wrong))["deactivateMember"]
        assert [e["code"] for e in told["userErrors"]] == ["NOT_FOUND"], wrong


@pytest.mark.requirement("T5", "I1")
async def test_an_integrator_works_with_a_key_and_loses_it_when_it_is_revoked(desk, gateway):
    await desk.open()
    made = await desk.key()
    assert made["apiKey"]["scopes"] == ["READ", "WRITE"]
    assert made["apiKey"]["memberId"] == (await desk(ME))["me"]["member"]["id"]
    integrator = Desk(gateway, gateway.client(made["secret"]))
    assert (await integrator(ME))["me"]["person"]["name"] == "Andrew Fuller"
    listed = (await desk("{ apiKeys { id name prefix revokedAt } }"))["apiKeys"]
    assert listed == [
        {
            "id": made["apiKey"]["id"],
            "name": "Integration",
            "prefix": made["apiKey"]["prefix"],
            "revokedAt": None,
        }
    ]
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { done userErrors { path code } } }"
    assert (await desk(revoke, id=made["apiKey"]["id"]))["revokeApiKey"]["done"] is True
    assert (await integrator.client(ME)).codes == ["UNAUTHENTICATED"]
    assert (await desk("{ apiKeys { revokedAt } }"))["apiKeys"][0]["revokedAt"] is not None


@pytest.mark.requirement("T5")
async def test_a_key_is_rotated_at_a_browser(desk, gateway):
    await desk.open()
    made = await desk.key()
    rotate = """mutation ($id: ID!, $hours: Int!) { rotateApiKey(input: {id: $id, overlapHours: $hours}) {
      secret apiKey { name scopes } userErrors { path code } } }"""
    key = made["apiKey"]["id"]
    for hours in (-1, 169, 2**31 - 1):
        refused = (await desk(rotate, id=key, hours=hours))["rotateApiKey"]
        assert refused["userErrors"] == [{"path": ["input", "overlapHours"], "code": "OVERLAP_TOO_LONG"}]
    integrator = Desk(gateway, gateway.client(made["secret"]))
    assert (await integrator.client(rotate, {"id": key, "hours": 1})).codes == ["FORBIDDEN"]
    new = (await desk(rotate, id=key, hours=0))["rotateApiKey"]
    assert new["apiKey"] == {"name": "Integration", "scopes": ["READ", "WRITE"]}
    assert (await integrator.client(ME)).codes == ["UNAUTHENTICATED"]
    successor = Desk(gateway, gateway.client(new["secret"]))
    assert (await successor(ME))["me"]["person"]["name"] == "Andrew Fuller"


async def test_a_key_for_reading_writes_nothing_and_no_key_makes_keys(desk, gateway):
    await desk.open()
    reader = Desk(gateway, gateway.client((await desk.key(scopes=["READ"]))["secret"]))
    given = {"email": "n@x.example", "name": "N", "roles": ["VIEW_ONLY"], "seat": "VIEW_ONLY"}
    assert (await reader.client(INVITE, {"input": given})).codes == ["FORBIDDEN"]
    writer = Desk(gateway, gateway.client((await desk.key())["secret"]))
    assert (await writer.client(CREATE_KEY, {"input": {"name": "More", "scopes": ["READ"]}})).codes == [
        "FORBIDDEN"
    ]
    assert (await writer.client("{ sessions { id } }")).codes == ["FORBIDDEN"]
    assert (await writer.client("mutation { signOut { done } }")).codes == ["FORBIDDEN"]
    assert len((await desk("{ apiKeys { id } }"))["apiKeys"]) == 2
    assert (await writer.invite(seat="VIEW_ONLY"))["userErrors"] == []


async def test_things_of_another_company_are_not_found(desk, gateway):
    await desk.open()
    member, key = (await desk.invite())["member"], (await desk.key())["apiKey"]
    session = (await desk("{ sessions { id } }"))["sessions"][0]
    company = (await desk(SIGN_IN, email=FULLER.email, password=PASSWORD))["signIn"]["company"]
    rival = Desk(gateway, gateway.client())
    await rival.open(email="ann@rival.example", name="Ann", companyName="Rival & Sons")
    before = await desk("{ apiKeys { id revokedAt } sessions { id } members { nodes { id state } } }")
    for query, wanted in (
        ("deactivateMember(input: {id: $id})", member["id"]),
        ("revokeApiKey(input: {id: $id})", key["id"]),
        ("rotateApiKey(input: {id: $id})", key["id"]),
        ("endSession(input: {id: $id})", session["id"]),
    ):
        told = await rival(f"mutation ($id: ID!) {{ it: {query} {{ userErrors {{ code }} }} }}", id=wanted)
        assert told == {"it": {"userErrors": [{"code": "NOT_FOUND"}]}}, query
    told = await rival(SIGN_IN, email="ann@rival.example", password=PASSWORD, companyId=company["id"])
    assert [e["code"] for e in told["signIn"]["userErrors"]] == ["NO_COMPANY"]
    assert await desk("{ apiKeys { id revokedAt } sessions { id } members { nodes { id state } } }") == before


@pytest.mark.parametrize(
    "query",
    [
        "{ me { person { name } } }",
        "{ sessions { id } }",
        "{ apiKeys { id } }",
        "mutation { signOut { done } }",
        'mutation { endSession(input: {id: "ses_x"}) { done } }',
        'mutation { createApiKey(input: {name: "x", scopes: [READ]}) { secret } }',
        'mutation { revokeApiKey(input: {id: "key_x"}) { done } }',
        'mutation { deactivateMember(input: {id: "mem_x"}) { member { id } } }',
        'mutation { inviteMember(input: {email: "x", name: "x", roles: [OWNER], seat: FULL}) { member { id } } }',
    ],
)
async def test_what_needs_a_person_is_refused_to_strangers(desk, query):
    assert (await desk.client(query)).codes == ["UNAUTHENTICATED"]


async def test_a_password_is_reset_over_the_api(desk):
    await desk.open()
    ask = (
        "mutation ($e: String!) { requestPasswordReset(input: {email: $e}) { accepted userErrors { code } } }"
    )
    for email in (FULLER.email, "nobody@northwind.example"):
        assert await desk(ask, e=email) == {"requestPasswordReset": {"accepted": True, "userErrors": []}}
    reset = """mutation ($t: String!, $p: String!) {
      resetPassword(input: {token: $t, password: $p}) { done userErrors { path code } } }"""
    token = await desk.token(FULLER.email)
    assert (await desk(reset, t=token, p="sieben Hirsche im Wald"))["resetPassword"]["done"] is True
    assert (await desk.client("{ me { person { name } } }")).codes == ["UNAUTHENTICATED"]
    assert (await desk(reset, t=token, p="another good secret"))["resetPassword"] == {
        "done": False,
        "userErrors": [{"path": ["input"], "code": "LINK_USED"}],
    }
