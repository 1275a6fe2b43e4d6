"""The security log: who got in, who did not and why, what was refused; ids only, and no more than it needs."""

import pytest

from kedang_platform.identity import Browser, complete_sign_in, sign_in, sign_out
from kedang_platform.identity.errors import WrongCredentials
from kedang_platform.observing import security
from tests.support.database import SECRET
from tests.support.logs import lines
from tests.support.members import make_key, make_member
from tests.support.workers import ROOT

pytestmark = pytest.mark.requirement("O3", "T5")


@pytest.fixture
def told(caplog):
    """Lines of the security log since the last look, without what every line has."""
    caplog.set_level("INFO")

    def look():
        found = [
            {name: value for name, value in line.items() if name not in {"time", "level", "process", "trace"}}
            for line in lines(caplog)
            if line["event"] in security.EVENTS
        ]
        caplog.clear()
        return found

    return look


async def test_sign_ins_and_those_that_failed_are_told(gateway, company, told):
    services = gateway.services.identity
    owner = await make_member(services.databases, company, "OWNER")
    email = f"{company.id.hex}@nobody.example"
    with pytest.raises(WrongCredentials):
        await sign_in(services, email=email, password="Zitronenfalter", address="203.0.113.77")
    assert told() == [
        {"event": "sign_in.failed", "reason": "WRONG_CREDENTIALS", "network": "203.0.113.0/24"},
    ]
    with pytest.raises(Exception, match="expired"):
        await complete_sign_in(services, challenge="Zitronenfalter", code="123456", browser=Browser())
    assert told() == [{"event": "second_step.failed", "reason": "SIGN_IN_EXPIRED"}]
    await sign_out(services, person_id=owner.id, session_id=owner.id)
    assert told() == []  # there was none to end


async def test_a_password_that_is_right_lets_in_and_says_so(gateway, company, told):
    from sqlalchemy import update

    from kedang_platform.identity.tables import person

    services = gateway.services.identity
    owner = await make_member(services.databases, company, "OWNER")
    password = "vier Pferde im Regen"
    async with services.databases.control() as control:
        member = await control.fetchrow(
            "SELECT p.id, p.email FROM platform.person p JOIN platform.membership m ON m.person_id = p.id WHERE m.member_id = $1",
            owner.id,
        )
        hashed = await services.passwords.hash(password)
        await control.execute(
            update(person)
            .where(person.c.id == member["id"])
            .values(password_hash=hashed, confirmed_at=services.clock.now())
        )
    entered = await sign_in(services, email=member["email"], password=password, address="203.0.113.77")
    (line,) = told()
    assert line == {
        "event": "sign_in.succeeded",
        "method": "password",
        "person": str(member["id"]),
        "company": str(company.id),
        "network": "203.0.113.0/24",
    }
    found = await services.credentials.identify(bearer=None, cookie=entered.token)
    assert await sign_out(services, person_id=found.person_id, session_id=found.credential_id)
    assert told() == [
        {"event": "session.ended", "person": str(found.person_id), "session": str(found.credential_id)}
    ]


async def test_refusals_and_credentials_that_are_none_are_told_with_who_it_was(gateway, company, told):
    services = gateway.services
    clerk = await make_member(services.databases, company, "VIEWER")
    key = await make_key(services.databases, clerk, key=SECRET, scopes=("read",))
    answer = await gateway.client(key)('mutation { createTag(input: {name: "x"}) { userErrors { code } } }')
    assert "FORBIDDEN" in answer.http.text
    (line,) = told()
    assert (line["event"], line["reason"], line["by"]) == ("access.refused", "FORBIDDEN", "api_key")
    assert (line["company"], line["member"]) == (str(company.id), str(clerk.id))
    await gateway.client("Zitronenfalter")("{ me { person { name } } }")
    first, second = told()
    assert first == {"event": "credential.refused", "by": "api_key"}
    assert (second["event"], second["reason"]) == ("access.refused", "UNAUTHENTICATED")


async def test_a_request_that_no_client_of_ours_sends_is_told(gateway, company, told):
    services = gateway.services
    owner = await make_member(services.databases, company, "OWNER")
    ask = gateway.client(await make_key(services.databases, owner, key=SECRET))
    await ask('{ customers(after: "Zitronenfalter") { nodes { id } } }')
    (line,) = told()
    assert (line["event"], line["reason"]) == ("defence.met", "BAD_CURSOR")
    assert "Zitronenfalter" not in str(line)


def test_an_event_without_a_name_is_a_bug():
    with pytest.raises(KeyError):
        security.note("sign_in.whatever")


def test_every_event_is_in_the_guide_and_every_code_leads_to_one():
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for event, meaning in security.EVENTS.items():
        assert f"| `{event}` | {meaning} |" in guide
    assert set(security.OF_CODES.values()) == {"access.refused", "limit.reached", "defence.met"}
    assert set(security.OF_CODES.values()) <= security.EVENTS.keys()
