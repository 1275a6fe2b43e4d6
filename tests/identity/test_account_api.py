"""One's own account over GraphQL, as a browser and an attacker use it (T1, T5)."""

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import orjson
import pyotp
import pytest

from kedang_platform.identity import Passwords
from kedang_platform.identity.sessions import start_session
from kedang_platform.licensing import subscribe
from kedang_platform.mail import list_mails
from tests.support.gateway import serve
from tests.support.members import make_key, make_member
from tests.support.people import PASSWORD
from tests.support.workers import run_jobs

NEW = "sieben Hirsche im Wald"
SIGN_IN = """mutation ($i: SignInInput!) { signIn(input: $i) {
  company { id name } mustEnrol challenge { token expiresAt } userErrors { path code } } }"""
COMPLETE = """mutation ($i: CompleteSignInInput!) { completeSignIn(input: $i) {
  person { name } company { name } userErrors { path code } } }"""
ME = "{ me { company { id name } member { id } } }"
SESSIONS = "{ sessions { id current network method secondFactor } }"
START = "mutation { startTwoFactor { secret uri userErrors { code } } }"
CONFIRM = "mutation ($c: String!) { confirmTwoFactor(input: {code: $c}) { codes userErrors { code } } }"
SENSITIVE = (
    'changePassword(input: {currentPassword: "x", password: "y"}) { done }',
    'requestEmailChange(input: {email: "x@y.example"}) { accepted }',
    "startTwoFactor { uri }",
    'confirmTwoFactor(input: {code: "1"}) { codes }',
    "disableTwoFactor { done }",
    "renewRecoveryCodes { codes }",
    "requireTwoFactor(input: {required: true}) { done }",
    'createApiKey(input: {name: "x", scopes: [READ]}) { secret }',
    'rotateApiKey(input: {id: "key_x"}) { secret }',
)


@dataclass
class Person:
    """Somebody with a password and a browser."""

    gateway: object
    client: object
    member: object
    email: str

    async def __call__(self, query, **variables):
        (told,) = (await self.client(query, variables)).data.values()
        return told

    async def sign_in(self, password=PASSWORD, client=None, **more):
        answer = await (client or self.client)(
            SIGN_IN, {"i": {"email": self.email, "password": password, **more}}
        )
        return answer.data["signIn"]

    async def enrol(self):
        self.app = pyotp.TOTP((await self(START))["secret"])
        self.codes = (await self(CONFIRM, c=self.app.now()))["codes"]
        return self.codes

    @property
    def cookie(self):
        return self.client.http.cookies["kedang"]

    async def sql(self, statement, *args):
        async with self.gateway.services.databases.control() as control:
            return await control.fetchval(statement, *args)

    async def older(self, minutes):
        """The proof of who one is was given earlier."""
        await self.sql(
            "UPDATE platform.session SET authenticated_at = authenticated_at - $2::interval WHERE person_id = $1",
            self.member.person_id,
            timedelta(minutes=minutes),
        )
        self.gateway.services.identity.credentials.forget()

    async def mails(self):
        services = self.gateway.services
        await run_jobs(services.databases, settings=services.settings)
        return list_mails(services.settings.var / "mail", to=self.email)


@pytest.fixture
async def meet(gateway, company):
    """Makes people with the password of the tests, whose hash is made once."""
    hashed = await gateway.services.identity.passwords.hash(PASSWORD)
    numbers = count()

    async def make(role="OWNER", company=company):
        member = await make_member(gateway.services.databases, company, role, name=f"Nancy {next(numbers)}")
        async with gateway.services.databases.control() as control:
            email = await control.fetchval(
                "UPDATE platform.person SET password_hash = $1 WHERE id = $2 RETURNING email",
                hashed,
                member.person_id,
            )
        return Person(gateway, gateway.client(), member, email)

    return make


@pytest.fixture
async def nancy(meet):
    person = await meet()
    assert (await person.sign_in())["userErrors"] == []
    return person


@pytest.mark.requirement("T5")
async def test_signing_in_in_two_steps(nancy):
    codes = await nancy.enrol()
    assert [
        bool(re.fullmatch("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}", code)) for code in codes
    ] == [True] * 10
    stranger = nancy.gateway.client()
    told = await nancy.sign_in(client=stranger)
    assert (told["company"], told["userErrors"]) == (None, [])
    assert "kedang" not in stranger.http.cookies
    given = {"token": told["challenge"]["token"], "code": nancy.app.now()}
    refused = (await stranger(COMPLETE, {"i": given})).data["completeSignIn"]
    assert refused["userErrors"] == [
        {"path": ["input", "code"], "code": "WRONG_CODE"}
    ]  # it enrolled with this one
    done = (await stranger(COMPLETE, {"i": {**given, "code": codes[0]}})).data["completeSignIn"]
    assert done["person"] == {"name": "Nancy 0"}
    sessions = (await stranger(SESSIONS)).data["sessions"]
    assert {(s["current"], s["method"], s["secondFactor"], s["network"]) for s in sessions} == {
        (True, "PASSWORD", True, "127.0.0.0/24"),
        (False, "PASSWORD", False, "127.0.0.0/24"),
    }
    again = (await nancy.gateway.client()(COMPLETE, {"i": given})).data["completeSignIn"]
    assert again["userErrors"] == [{"path": ["input"], "code": "SIGN_IN_EXPIRED"}]


@pytest.mark.requirement("T5")
async def test_sensitive_changes_want_a_recent_proof(nancy):
    await nancy.older(14)
    assert (await nancy.client("mutation { startTwoFactor { userErrors { code } } }")).codes == []
    await nancy.older(1)
    before = await nancy.sql("SELECT p::text FROM platform.person p WHERE id = $1", nancy.member.person_id)
    for verb in SENSITIVE:
        answer = await nancy.client(f"mutation {{ {verb} }}")
        assert answer.codes == ["REAUTHENTICATION_REQUIRED"], verb
        assert answer.http.status_code == 403
    assert (
        await nancy.sql("SELECT p::text FROM platform.person p WHERE id = $1", nancy.member.person_id)
        == before
    )
    prove = (
        "mutation ($p: String!) { reauthenticate(input: {password: $p}) { done userErrors { path code } } }"
    )
    old = nancy.cookie
    assert await nancy(prove, p="wrong") == {
        "done": False,
        "userErrors": [{"path": ["input"], "code": "WRONG_CREDENTIALS"}],
    }
    assert nancy.cookie == old
    assert (await nancy(prove, p=PASSWORD))["done"] is True
    assert nancy.cookie != old
    assert (await nancy.client("mutation { startTwoFactor { userErrors { code } } }")).codes == []
    replayed = nancy.gateway.client()
    replayed.http.cookies.set("kedang", old)
    assert (await replayed(ME)).codes == ["UNAUTHENTICATED"]


async def test_a_key_proves_nothing(nancy):
    services = nancy.gateway.services
    key = nancy.gateway.client(await make_key(services.databases, nancy.member, key=services.identity.key))
    anybody = nancy.gateway.client()
    for verb in (*SENSITIVE, 'reauthenticate(input: {password: "x"}) { done }', "endOtherSessions { ended }"):
        assert (await key(f"mutation {{ {verb} }}")).codes == ["FORBIDDEN"], verb
        assert (await anybody(f"mutation {{ {verb} }}")).codes == ["UNAUTHENTICATED"], verb


async def test_ten_guesses_at_the_password_are_the_most_within_a_session(nancy):
    prove = "mutation ($p: String!) { reauthenticate(input: {password: $p}) { userErrors { code } } }"
    told = [(await nancy(prove, p=f"guess {n}"))["userErrors"][0]["code"] for n in range(12)]
    assert told == ["WRONG_CREDENTIALS"] * 10 + ["TOO_MANY_ATTEMPTS"] * 2
    assert (await nancy.sign_in(client=nancy.gateway.client()))["userErrors"] == []


@pytest.mark.requirement("T5")
async def test_a_company_that_asks_for_a_second_factor_lets_nobody_in_without(nancy, meet):
    require = (
        "mutation ($r: Boolean!) { requireTwoFactor(input: {required: $r}) { done userErrors { code } } }"
    )
    assert (await nancy(require, r=True))["userErrors"] == [{"code": "SECOND_FACTOR_MISSING"}]
    await nancy.enrol()
    janet = await meet("ADMIN")
    await janet.sign_in()
    assert (await janet.client(ME)).codes == []
    assert (await nancy(require, r=True))["done"] is True
    for query in (
        ME,
        SESSIONS,
        "{ customers { nodes { id } } }",
        '{ customer(id: "x") { name } }',
        "{ apiKeys { id } }",
        "mutation { requireTwoFactor(input: {required: false}) { done } }",
        'mutation { createCustomer(input: {name: "x"}) { userErrors { code } } }',
    ):
        answer = await janet.client(query)
        assert answer.codes == ["TWO_FACTOR_REQUIRED"], query
        assert not any((answer.body["data"] or {}).values()), query
    again = await janet.sign_in()
    assert (again["mustEnrol"], again["userErrors"]) == (True, [])
    assert await janet("{ twoFactor { enabledAt required } }") == {"enabledAt": None, "required": True}
    await janet.enrol()
    assert (await janet.client(ME)).codes == []
    assert (await nancy(require, r=False))["done"] is True
    async with nancy.gateway.services.databases.tenant_read(nancy.member.company.ref) as read:
        told = await read.fetch("SELECT action FROM audit WHERE action LIKE '%two_factor_required'")
    assert len(told) == 2


async def test_only_owners_and_administrators_ask_it_of_a_company(meet):
    janet = await meet("GENERAL_MANAGER")
    await janet.sign_in()
    await janet.enrol()
    told = await janet("mutation { requireTwoFactor(input: {required: true}) { done userErrors { code } } }")
    assert told == {"done": False, "userErrors": [{"code": "FORBIDDEN"}]}
    assert await janet.sql("SELECT bool_or(requires_two_factor) FROM platform.company") is False


@pytest.mark.requirement("T1")
async def test_switching_to_another_company_moves_the_session(nancy, two_companies, meet):
    _, other = two_companies
    rival = await meet(company=other)
    member = await make_member(nancy.gateway.services.databases, other, "REPRESENTATIVE")
    await nancy.sql(
        "UPDATE platform.membership SET person_id = $1 WHERE member_id = $2",
        nancy.member.person_id,
        member.id,
    )
    home = (await nancy(ME))["company"]["id"]
    customer = (
        "mutation ($n: String!) { createCustomer(input: {name: $n}) { record { id } userErrors { code } } }"
    )
    at_home = (await nancy(customer, n="Alfreds"))["record"]["id"]
    companies = {one["id"] for one in (await nancy("{ me { companies { id } } }"))["companies"]}
    (there,) = companies - {home}
    switch = "mutation ($c: ID!) { switchCompany(input: {companyId: $c}) { company { id } userErrors { path code } } }"
    old = nancy.cookie
    assert (await nancy(switch, c=there))["company"] == {"id": there}
    assert nancy.cookie != old
    assert (await nancy(ME))["member"]["id"] == f"mem_{member.id.hex}"
    assert await nancy("query ($i: ID!) { customer(id: $i) { id } }", i=at_home) is None
    assert (await nancy.client("{ apiKeys { id } }")).codes == ["FORBIDDEN"]  # a representative there
    replayed = nancy.gateway.client()
    replayed.http.cookies.set("kedang", old)
    assert (await replayed(ME)).codes == ["UNAUTHENTICATED"]
    await rival.sign_in()
    for foreign in (home, "com_" + "0" * 32, "com_x", ""):
        told = await rival(switch, c=foreign)
        assert told == {
            "company": None,
            "userErrors": [{"path": ["input", "companyId"], "code": "NOT_FOUND"}],
        }
    await nancy.sql(
        "UPDATE platform.membership SET state = 'suspended' WHERE member_id = $1", nancy.member.id
    )
    assert (await nancy(switch, c=home))["userErrors"][0]["code"] == "NOT_FOUND"


@pytest.mark.requirement("T5")
async def test_another_password_ends_the_other_sessions_and_is_told(nancy):
    other = nancy.gateway.client()
    await nancy.sign_in(client=other)
    change = """mutation ($c: String!, $p: String!) {
      changePassword(input: {currentPassword: $c, password: $p}) { done userErrors { path code } } }"""
    for current, password, path, code in (
        ("wrong", NEW, [], "WRONG_CREDENTIALS"),
        (PASSWORD, "short", ["password"], "PASSWORD_TOO_SHORT"),
        (PASSWORD, "zhangwei199001", ["password"], "PASSWORD_TOO_COMMON"),
    ):
        told = await nancy(change, c=current, p=password)
        assert told == {"done": False, "userErrors": [{"path": ["input", *path], "code": code}]}
    assert (await other(ME)).codes == []
    old = nancy.cookie
    assert (await nancy(change, c=PASSWORD, p=NEW))["done"] is True
    assert (await other(ME)).codes == ["UNAUTHENTICATED"]
    assert nancy.cookie != old
    assert (await nancy.client(ME)).codes == []
    assert (await nancy.sign_in(client=nancy.gateway.client()))["userErrors"][0][
        "code"
    ] == "WRONG_CREDENTIALS"
    assert "Your password was changed" in {mail.subject for mail in await nancy.mails()}


@pytest.mark.requirement("T5")
async def test_an_address_changes_when_it_is_confirmed_and_the_old_one_is_told(nancy, meet):
    ask = "mutation ($e: String!) { requestEmailChange(input: {email: $e}) { accepted userErrors { path code } } }"
    confirm = "mutation ($t: String!) { confirmEmailChange(input: {token: $t}) { done userErrors { code } } }"
    old, new = nancy.email, f"new.{nancy.email}"
    janet = await meet()
    for address in (new, janet.email):
        assert (await nancy(ask, e=address))["accepted"] is True
    assert "another account" in (await janet.mails())[0].text
    assert await nancy.sql("SELECT email FROM platform.person WHERE id = $1", nancy.member.person_id) == old
    assert (await nancy(ask, e=new))["accepted"] is True
    nancy.email = new
    mails = await nancy.mails()
    tokens = [re.search(r"token=([\w-]+)", mail.text)[1] for mail in mails]
    anybody = nancy.gateway.client()
    first = (await anybody(confirm, {"t": tokens[1]})).data["confirmEmailChange"]
    assert first["userErrors"] == [{"code": "LINK_UNKNOWN"}]  # the newer one made it void
    for _ in range(2):
        assert (await anybody(confirm, {"t": tokens[0]})).data["confirmEmailChange"]["done"] is True
    assert (await nancy.sign_in(client=anybody))["userErrors"] == []
    nancy.email = old
    assert (await nancy.mails())[0].subject == "Your e-mail address was changed"
    assert (await nancy.sign_in(client=nancy.gateway.client()))["userErrors"][0][
        "code"
    ] == "WRONG_CREDENTIALS"
    async with nancy.gateway.services.databases.tenant_read(nancy.member.company.ref) as read:
        assert await read.fetchval("SELECT email FROM member WHERE id = $1", nancy.member.id) == new


async def test_ending_all_other_sessions(nancy, meet):
    others = [nancy.gateway.client() for _ in range(2)]
    for other in others:
        await nancy.sign_in(client=other)
    janet = await meet()
    await janet.sign_in()
    assert await nancy("mutation { endOtherSessions { ended } }") == {"ended": 2}
    assert [(await other(ME)).codes for other in others] == [["UNAUTHENTICATED"]] * 2
    assert (await nancy.client(ME)).codes == (await janet.client(ME)).codes == []


@pytest.mark.requirement("T5")
async def test_a_session_is_never_one_that_the_browser_brought_along(nancy):
    planted, device = "A" * 43, "B" * 43
    victim = nancy.gateway.client()
    victim.http.cookies.update({"kedang": planted, "kedang-device": device})
    answer = await victim(SIGN_IN, {"i": {"email": nancy.email, "password": PASSWORD}})
    kept = {cookie.partition("=")[0]: cookie for cookie in answer.http.headers.get_list("set-cookie")}
    assert set(kept) == {"kedang", "kedang-device"}
    assert planted not in kept["kedang"]
    assert device not in kept["kedang-device"]
    for cookie in kept.values():
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.requirement("T5")
async def test_two_hundred_aliased_sign_ins_verify_no_password(nancy, monkeypatch):
    verified = []

    async def verify(self, password_hash, password):
        verified.append(password)
        return False

    monkeypatch.setattr(Passwords, "verify", verify)
    guess = f'signIn(input: {{email: "{nancy.email}", password: "guess"}}) {{ userErrors {{ code }} }}'
    aliased = "mutation {" + " ".join(f"a{n}: {guess}" for n in range(200)) + "}"
    stranger = nancy.gateway.client()
    assert (await stranger(aliased)).codes == ["DOCUMENT_TOO_LARGE"]
    two = f"mutation {{ a: {guess} b: {guess} }}"
    assert (await stranger(two)).errors
    mixed = f'mutation {{ a: {guess} b: completeSignIn(input: {{token: "x", code: "1"}}) {{ userErrors {{ code }} }} }}'
    assert (await stranger(mixed)).errors
    assert verified == []
    await asyncio.gather(*(nancy.sign_in(password="guess", client=stranger) for _ in range(50)))
    assert len(verified) == 10


@asynccontextmanager
async def two_gateways(nancy, database_settings, tmp_path, **own):
    databases = nancy.gateway.services.databases
    async with serve(databases, database_settings, var=tmp_path, **own) as second:
        yield second


@pytest.mark.requirement("T2", "T5")
async def test_who_is_deactivated_is_out_at_once_in_every_process(nancy, meet, database_settings, tmp_path):
    janet = await meet("ADMIN")
    await janet.sign_in()
    async with nancy.gateway.services.databases.control() as control:
        await subscribe(control, company_id=janet.member.company.id, free_seats=2, now=datetime.now(UTC))
    async with two_gateways(nancy, database_settings, tmp_path) as second:
        elsewhere = second.client()
        elsewhere.http.cookies.set("kedang", janet.cookie)
        await asyncio.sleep(0.2)  # until it listens
        assert (await elsewhere(ME)).codes == []
        deactivate = "mutation ($i: ID!) { deactivateMember(input: {id: $i}) { userErrors { code } } }"
        assert await nancy(deactivate, i=f"mem_{janet.member.id.hex}") == {"userErrors": []}
        began = asyncio.get_running_loop().time()
        while (await elsewhere(ME)).codes != ["UNAUTHENTICATED"]:
            assert asyncio.get_running_loop().time() - began < 2
            await asyncio.sleep(0.005)
        await elsewhere.http.aclose()


async def test_the_address_is_believed_from_a_trusted_proxy_only(nancy):
    """Uvicorn takes X-Forwarded-For where the operator named the proxy; here nobody is, so it counts for nothing."""
    client = nancy.gateway.client()
    for number in range(10):
        client.http.headers["x-forwarded-for"] = f"198.51.100.{number}"
        client.http.headers["forwarded"] = f"for=198.51.100.{number}"
        assert (await nancy.sign_in(password="guess", client=client))["userErrors"][0][
            "code"
        ] == "WRONG_CREDENTIALS"
    client.http.headers["x-forwarded-for"] = "198.51.100.99"
    assert (await nancy.sign_in(client=client))["userErrors"][0]["code"] == "TOO_MANY_ATTEMPTS"
    assert (await nancy.sign_in())["userErrors"] == []  # at a browser that is known


async def test_behind_a_trusted_proxy_each_address_has_its_own_tries(nancy, database_settings, tmp_path):
    """The last address counts, which the proxy wrote; what a client put before it does not."""
    async with two_gateways(nancy, database_settings, tmp_path, trusted_proxies="127.0.0.1") as second:
        client = second.client()

        async def guess(forwarded):
            client.http.headers["x-forwarded-for"] = forwarded
            return (await nancy.sign_in(password="guess", client=client))["userErrors"][0]["code"]

        told = [await guess(f"203.0.113.{number}, 198.51.100.1") for number in range(11)]
        assert told == ["WRONG_CREDENTIALS"] * 10 + ["TOO_MANY_ATTEMPTS"]
        assert await guess("198.51.100.2") == "WRONG_CREDENTIALS"
        await client.http.aclose()


async def test_links_in_mails_name_the_public_address_whatever_host_was_asked(nancy):
    body = orjson.dumps(
        {"query": f'mutation {{ requestPasswordReset(input: {{email: "{nancy.email}"}}) {{ accepted }} }}'}
    )
    headers = {
        "content-type": "application/json",
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "forwarded": "host=evil.example",
    }
    async with httpx.AsyncClient(base_url=nancy.gateway.url) as http:
        assert (await http.post("/graphql", content=body, headers=headers)).status_code == 200
    mail = next(m for m in await nancy.mails() if m.subject == "Choose a new password")
    assert "evil" not in mail.text
    assert f"{nancy.gateway.services.settings.base_url}/reset?token=" in mail.text


async def test_an_idle_session_ends_and_a_used_one_ends_with_its_time(nancy):
    now = datetime.now(UTC)
    databases = nancy.gateway.services.databases
    who = {"person_id": nancy.member.person_id, "company_id": nancy.member.company.id, "user_agent": ""}
    async with databases.control() as control:
        idle = await start_session(control, now=now - timedelta(days=7), **who)
        fresh = await start_session(control, now=now - timedelta(days=6, hours=23), **who)
        over = await start_session(control, now=now - timedelta(days=30), **who)
        await control.fetch("UPDATE platform.session SET last_used_at = $1 WHERE expires_at <= $2", now, now)
    for token, codes in ((idle, ["UNAUTHENTICATED"]), (fresh, []), (over, ["UNAUTHENTICATED"])):
        client = nancy.gateway.client()
        client.http.cookies.set("kedang", token)
        assert (await client(ME)).codes == codes
    assert len(await nancy(SESSIONS)) == 2
