"""Signing in with an account one has elsewhere (T5, OpenID Connect Core 1.0)."""

import asyncio
from dataclasses import replace

import pytest

from kedang_platform.identity.errors import TooManyAttempts
from kedang_platform.identity.openid.entering import Return
from kedang_platform.identity.openid.errors import (
    AttemptUnknown,
    IdentityNotLinked,
    IdentityTaken,
    ProofInvalid,
    ProviderUnknown,
    ProviderUnreachable,
    SignInCalledOff,
)
from kedang_platform.identity.openid.linking import identities_of, unlink
from tests.identity.openid.conftest import BACK
from tests.support.openid_provider import KEYS
from tests.support.people import FULLER

pytestmark = pytest.mark.requirement("T5")
VERIFIED = {"sub": "fuller-1", "email": FULLER.email, "email_verified": True}


async def test_a_verified_address_links_once_and_a_mail_tells_it(way):
    opened = await way.town.open()
    way.provider.account = VERIFIED | {"email": "Andrew.FULLER@northwind.example"}
    proved = await way.sign_in()
    assert (proved.person_id, proved.email, proved.linked_now) == (opened.person.id, FULLER.email, True)
    await way.town.work()
    newest = way.town.mails_to(FULLER.email)[0]
    assert newest.subject == "You can now sign in with Acme"
    again = await way.sign_in()
    assert (again.person_id, again.linked_now) == (opened.person.id, False)
    async with way.town.databases.control_read() as read:
        (identity,) = await identities_of(read, person_id=opened.person.id)
    assert identity.issuer == way.provider.url
    assert await way.town.rows("openid_attempt") == []


async def test_afterwards_the_subject_counts_and_not_the_address(way):
    opened = await way.town.open()
    way.provider.account = VERIFIED
    await way.sign_in()
    way.provider.account = VERIFIED | {"email": "elsewhere@acme.example"}
    assert (await way.sign_in()).person_id == opened.person.id
    way.provider.account = VERIFIED | {"sub": "somebody else", "email": "elsewhere@acme.example"}
    with pytest.raises(IdentityNotLinked):
        await way.sign_in()


async def test_the_address_is_asked_for_where_the_token_does_not_tell_it(way):
    opened = await way.town.open()
    way.provider.userinfo = VERIFIED
    assert (await way.sign_in()).person_id == opened.person.id


async def test_who_is_not_linked_and_proves_no_address_of_ours_stays_outside(way):
    await way.town.open()
    for claimed in (
        {},
        {"email": FULLER.email},
        {"email": FULLER.email, "email_verified": False},
        {"email": FULLER.email, "email_verified": "true"},
        {"email": "not an address", "email_verified": True},
        {"email": "nobody@northwind.example", "email_verified": True},
    ):
        way.provider.account = {"sub": "fuller-1", **claimed}
        with pytest.raises(IdentityNotLinked) as refused:
            await way.sign_in()
        assert refused.value.code == "IDENTITY_NOT_LINKED"
    assert await way.town.rows("openid_identity") == []


async def test_an_address_of_another_subject_at_userinfo_proves_nothing(way):
    await way.town.open()
    way.provider.userinfo = VERIFIED | {"sub": "somebody else"}
    with pytest.raises(IdentityNotLinked):
        await way.sign_in()


async def test_an_operator_may_mistrust_a_provider_with_addresses(way):
    opened = await way.town.open()
    way.configure(trusts_email=False)
    way.provider.account = VERIFIED
    with pytest.raises(IdentityNotLinked):
        await way.sign_in()
    linked = await way.sign_in(person_id=opened.person.id)
    assert (linked.person_id, linked.linked_now) == (opened.person.id, True)
    assert (await way.sign_in()).person_id == opened.person.id


async def test_an_address_that_was_never_confirmed_here_links_nobody(way):
    await way.town.sign_up()
    way.provider.account = VERIFIED
    with pytest.raises(IdentityNotLinked):
        await way.sign_in()


async def test_an_identity_is_one_persons(way):
    fuller = await way.town.open()
    davolio = await way.town.open(email="nancy.davolio@northwind.example", company="Davolio & Co")
    way.provider.account = VERIFIED
    await way.sign_in()
    before = await way.town.rows("openid_identity")
    with pytest.raises(IdentityTaken):
        await way.sign_in(person_id=davolio.person.id)
    assert await way.town.rows("openid_identity") == before
    async with way.town.databases.control() as control:
        assert not await unlink(control, person_id=davolio.person.id, identity_id=before[0]["id"])
        assert await unlink(control, person_id=fuller.person.id, identity_id=before[0]["id"])
    assert await way.town.rows("openid_identity") == []


FORGED = {
    "another's nonce": {"claims": {"nonce": "replayed"}},
    "no nonce": {"claims": {"nonce": None}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another audience": {"claims": {"aud": "another client"}},
    "several audiences without a party": {"claims": {"aud": ["kedang", "another client"]}},
    "another party": {"claims": {"azp": "another client"}},
    "expired": {"claims": {"iat": 1_700_000_000, "exp": 1_700_000_300}},
    "issued long ago": {"claims": {"iat": 1_700_000_000}},
    "issued in the future": {"claims": {"iat": 4_000_000_000, "exp": 4_000_000_300}},
    "never expiring": {"claims": {"exp": None}},
    "no subject": {"claims": {"sub": None}},
    "an endless subject": {"claims": {"sub": "x" * 256}},
    "a subject that is no text": {"claims": {"sub": 7}},
    "a stranger's key": {"signed_by": KEYS["stranger"]},
    "a key nobody has": {"header": {"kid": "unknown"}},
    "no signature": {"header": {"alg": "none"}},
    "signed with the client's secret": {"header": {"alg": "HS256"}},
}


async def test_a_token_that_proves_something_else_proves_nothing(way):
    await way.town.open()
    proved = []
    for what, forged in FORGED.items():
        for name, value in {
            "account": VERIFIED,
            "claims": {},
            "header": {},
            "signed_by": None,
            **forged,
        }.items():
            setattr(way.provider, name, value)
        with pytest.raises(ProofInvalid) as refused:
            proved.append((what, await way.sign_in()))
        assert str(refused.value) == "What Acme sent proves nothing. Please begin anew."
    assert proved == []
    assert await way.town.rows("openid_identity") == []


async def test_a_state_is_used_once_by_the_browser_that_began_at_the_provider_it_was_for(way):
    await way.town.open()
    way.provider.account = VERIFIED
    came = await way.visit(await way.depart())
    for wrong in (
        replace(came, browser="another browser"),
        replace(came, browser=""),
        replace(came, state="guessed"),
        replace(came, state=""),
    ):
        with pytest.raises(AttemptUnknown):
            await way.arrive(wrong)
    assert len(await way.town.rows("openid_attempt")) == 1
    outcomes = await asyncio.gather(*(way.arrive(came) for _ in range(5)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AttemptUnknown"] * 4 + ["Proved"]


async def test_a_state_lives_for_ten_minutes(way):
    await way.town.open()
    way.provider.account = VERIFIED
    came = await way.visit(await way.depart())
    async with way.town.databases.control() as control:
        await control.fetch("UPDATE platform.openid_attempt SET expires_at = now() RETURNING 1")
    with pytest.raises(AttemptUnknown):
        await way.arrive(came)


async def test_what_comes_back_must_be_what_this_provider_sends(way):
    await way.town.open()
    way.provider.account = VERIFIED
    for came_with, error in (
        ({"issuer": "https://evil.example"}, ProofInvalid),  # mix-up (RFC 9207)
        ({"issuer": None}, ProofInvalid),
        ({"code": "guessed"}, ProofInvalid),
        ({"code": None, "error": "access_denied"}, SignInCalledOff),
        ({"code": None}, SignInCalledOff),
    ):
        came = await way.visit(await way.depart())
        with pytest.raises(error):
            await way.arrive(replace(came, **came_with))
        with pytest.raises(AttemptUnknown):
            await way.arrive(came)
    assert await way.town.rows("openid_identity") == []


async def test_a_stolen_code_is_worth_nothing_in_another_sign_in(way):
    await way.town.open()
    way.provider.account = VERIFIED
    stolen = await way.visit(await way.depart())
    own = await way.visit(await way.depart())
    with pytest.raises(ProofInvalid):  # PKCE: the verifier is the own attempt's
        await way.arrive(replace(own, code=stolen.code))


async def test_junk_keys_make_nobody_fetch_keys_again_and_again(way):
    await way.town.open()
    way.provider.header = {"kid": "unknown"}
    for _ in range(3):
        with pytest.raises(ProofInvalid):
            await way.sign_in()
    assert way.provider.fetched == ["discovery", "keys"]


async def test_a_provider_that_lies_about_itself_or_is_away_is_told_as_such(way):
    for issuer in (way.provider.url + "/", "http://127.0.0.1:9"):
        way.configure(issuer=issuer)
        with pytest.raises(ProviderUnreachable) as refused:
            await way.depart()
        assert refused.value.code == "PROVIDER_UNREACHABLE"
    with pytest.raises(ProviderUnknown):
        await way.depart(provider_key="another")
    assert await way.town.rows("openid_attempt") == []


async def test_one_address_begins_a_hundred_sign_ins_in_a_quarter_of_an_hour(way):
    for _ in range(100):
        await way.depart()
    with pytest.raises(TooManyAttempts):
        await way.depart()
    await way.depart(address="192.0.2.200")


async def test_nothing_of_an_attempt_can_be_read_from_the_database(way):
    departure = await way.depart()
    (row,) = await way.town.rows("openid_attempt")
    assert departure.browser not in str(row)
    assert row["verifier"] not in departure.address
    came = Return(state="", browser=departure.browser)
    assert departure.browser not in repr(came)
    assert BACK.split("?", maxsplit=1)[0] in departure.address.replace("%3A", ":").replace("%2F", "/")
