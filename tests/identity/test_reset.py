"""A forgotten password (T5)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from kedang_platform.identity import request_password_reset, reset_password, sign_in
from kedang_platform.identity.errors import (
    InvalidEmail,
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    PasswordTooCommon,
    TooBusy,
    TooManyAttempts,
    WrongCredentials,
)
from kedang_platform.identity.passwords import Passwords
from tests.support.people import ADDRESS, FULLER, PASSWORD

NEW = "sieben Hirsche im Wald"


async def ask(town, email=FULLER.email, address=ADDRESS):
    await request_password_reset(town.services, email=email, address=address)
    await town.work()


@pytest.mark.requirement("T5")
async def test_a_new_password_by_mail_ends_every_session(town):
    signed_in = await town.open()
    await ask(town)
    assert town.mails_to(FULLER.email)[0].subject == "Choose a new password"
    await reset_password(town.services, token=town.link_to(FULLER.email), password=NEW)
    assert await town.services.credentials.identify(bearer=None, cookie=signed_in.token) is None
    assert await town.rows("session") == []
    with pytest.raises(WrongCredentials):
        await sign_in(town.services, email=FULLER.email, password=PASSWORD, address=ADDRESS)
    assert await sign_in(town.services, email=FULLER.email, password=NEW, address=ADDRESS)
    await town.work()
    told = [mail.subject for mail in town.mails_to(FULLER.email)]
    assert told[:2] == ["You signed in from a new browser", "Your password was changed"]


async def test_an_unknown_address_gets_no_mail_and_the_same_answer(town):
    await town.open()
    known_before, unknown_before = len(await town.rows("mail")), await town.rows("one_time_token")
    await ask(town, "nobody@northwind.example")
    assert len(await town.rows("mail")) == known_before
    assert await town.rows("one_time_token") == unknown_before


async def test_the_request_does_the_same_for_known_and_unknown(town):
    await town.open()
    for email in (FULLER.email, "nobody@northwind.example"):
        await request_password_reset(town.services, email=email, address=ADDRESS)
    async with town.databases.control_read() as read:
        jobs = await read.fetchval(
            "SELECT count(*) FROM work.job WHERE kind = 'identity.send_password_reset'"
        )
    assert jobs == 2


async def test_a_link_works_once_and_for_an_hour_and_only_the_newest(town):
    await town.open()
    await ask(town)
    first = town.link_to(FULLER.email)
    await ask(town)
    with pytest.raises(LinkUnknown):
        await reset_password(town.services, token=first, password=NEW)
    newest = town.link_to(FULLER.email)
    await reset_password(town.services, token=newest, password=NEW)
    before = await town.rows("person")
    with pytest.raises(LinkUsed):
        await reset_password(town.services, token=newest, password="another good secret")
    assert await town.rows("person") == before


async def test_a_link_expires_after_an_hour(town):
    await town.open()
    await ask(town)
    before = await town.rows("person")
    town.clock.move(timedelta(hours=1))
    with pytest.raises(LinkExpired):
        await reset_password(town.services, token=town.link_to(FULLER.email), password=NEW)
    assert await town.rows("person") == before


async def test_without_a_link_no_password_is_hashed(town):
    full = replace(town.services, passwords=Passwords(threads=1, waiting=-1))
    with pytest.raises(LinkUnknown):
        await reset_password(full, token="guessed", password=NEW)
    await town.open()
    await ask(town)
    with pytest.raises(TooBusy):
        await reset_password(full, token=town.link_to(FULLER.email), password=NEW)


async def test_of_two_who_use_a_link_at_once_one_succeeds(town):
    await town.open()
    await ask(town)
    token = town.link_to(FULLER.email)
    told = await asyncio.gather(
        reset_password(town.services, token=token, password=NEW),
        reset_password(town.services, token=token, password="another good secret"),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in told) == ["LinkUsed", "str"]


async def test_a_weak_password_leaves_the_link_usable(town):
    await town.open()
    await ask(town)
    token = town.link_to(FULLER.email)
    with pytest.raises(PasswordTooCommon):
        await reset_password(town.services, token=token, password="password1234")
    await reset_password(town.services, token=token, password=NEW)


async def test_requests_are_limited_by_account_and_wrong_ones_refused(town):
    await town.open()
    with pytest.raises(InvalidEmail):
        await ask(town, "fuller")
    for number in range(3):
        await ask(town, address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        await ask(town, address="192.0.2.99")


async def test_a_reset_opens_an_account_that_guessing_had_closed(town):
    await town.open()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await sign_in(town.services, email=FULLER.email, password="x", address=ADDRESS)
    await ask(town)
    known = await reset_password(town.services, token=town.link_to(FULLER.email), password=NEW)
    with pytest.raises(TooManyAttempts):
        await sign_in(town.services, email=FULLER.email, password=NEW, address=ADDRESS)
    assert await sign_in(town.services, email=FULLER.email, password=NEW, address=ADDRESS, device=known)
