"""What somebody who was in for a moment must not keep: links, half sign-ins, guesses (T5)."""

from dataclasses import replace

import pytest

from kedang_platform.identity import Challenged, reset_password, sign_in
from kedang_platform.identity.errors import (
    LinkUnknown,
    PasswordTooCommon,
    SignInExpired,
    TooManyAttempts,
    WrongCode,
    WrongCredentials,
)
from kedang_platform.identity.own_account import (
    change_password,
    confirm_email_change,
    request_email_change,
)
from kedang_platform.identity.proving import reauthenticate
from kedang_platform.identity.resetting import request_password_reset
from kedang_platform.identity.switching import switch_company
from kedang_platform.registry import NewCompany
from kedang_tenants.opening import open_further
from tests.identity.test_second_factor import Owner
from tests.support.people import ADDRESS, FULLER, PASSWORD

pytestmark = pytest.mark.requirement("T5")
NEW = "sieben Hirsche im Wald"
THIEF = "thief@elsewhere.example"


@pytest.fixture
async def owner(town):
    return Owner(town, await town.open())


async def by_mail(owner):
    """A new password by the link in the mailbox."""
    await request_password_reset(owner.town.services, email=FULLER.email, address=ADDRESS)
    await owner.town.work()
    await reset_password(owner.town.services, token=owner.town.link_to(FULLER.email), password=NEW)


async def signed_in(owner):
    """A new password by who is signed in."""
    await change_password(owner.town.services, await owner.identified(), current=PASSWORD, password=NEW)


@pytest.mark.parametrize("renew", [by_mail, signed_in])
async def test_a_new_password_voids_the_link_to_another_address(town, owner, renew):
    await request_email_change(town.services, await owner.identified(), email=THIEF)
    await town.work()
    link = town.link_to(THIEF)
    await renew(owner)
    with pytest.raises(LinkUnknown):
        await confirm_email_change(town.services, token=link)
    assert [row["email"] for row in await town.rows("person")] == [FULLER.email]


@pytest.mark.parametrize("renew", [by_mail, signed_in])
async def test_a_new_password_voids_sign_ins_that_were_half_done(town, owner, renew):
    await owner.enrol()
    half = await owner.first_step()
    assert isinstance(half, Challenged)
    await renew(owner)
    before = await town.rows("session")
    with pytest.raises(SignInExpired):
        await owner.complete(owner.codes[0], half.challenge)
    assert await town.rows("session") == before


@pytest.mark.parametrize("guessable", ["Andrew Fuller 1", "andrew.fuller9", "Northwind Traders!"])
async def test_a_password_by_mail_is_not_made_of_what_its_person_is_known_by(town, owner, guessable):
    await request_password_reset(town.services, email=FULLER.email, address=ADDRESS)
    await town.work()
    link, before = town.link_to(FULLER.email), await town.rows("person")
    with pytest.raises(PasswordTooCommon):
        await reset_password(town.services, token=link, password=guessable)
    assert await town.rows("person") == before
    await reset_password(town.services, token=link, password=NEW)
    assert await sign_in(town.services, email=FULLER.email, password=NEW, address=ADDRESS)


async def test_guesses_go_along_into_another_company(town, owner):
    wish = NewCompany(name="Second", country="US", language="en", time_zone="UTC", currency="USD")
    companies = [
        owner.opened.company,
        await open_further(town.services, person_id=owner.opened.person.id, wish=replace(wish)),
    ]
    await owner.enrol()
    for _ in range(5):
        for guess, wrong in (({"code": "000000"}, WrongCode), ({"password": "x"}, WrongCredentials)):
            with pytest.raises(wrong):
                await reauthenticate(town.services, await owner.identified(), **guess)
        companies.reverse()
        _, owner.token = await switch_company(
            town.services, await owner.identified(), company_id=companies[0].id
        )
    with pytest.raises(TooManyAttempts):
        await reauthenticate(town.services, await owner.identified(), password=PASSWORD)
