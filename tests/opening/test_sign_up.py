"""A company signs itself up (T1): the mail, the link, and what it finds when it is open."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from kedang_platform.errors import KedangError
from kedang_platform.identity import Credentials, sign_in
from kedang_platform.identity.errors import (
    InvalidEmail,
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    NameMissing,
    PasswordTooCommon,
    TooManyAttempts,
)
from kedang_platform.registry import NoSpareSchema
from kedang_platform.time_zones import TimeZoneUnknown
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.opening import (
    CountryUnknown,
    CurrencyUnknown,
    LanguageUnknown,
    confirm_email,
    confirming,
    finish_opening,
    sign_up,
)
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.revision import REVISION
from tests.support.people import ADDRESS, FULLER, PASSWORD


@pytest.mark.requirement("T1")
async def test_a_company_signs_up_confirms_and_finds_its_owner_department_and_calendar(town):
    token = await town.sign_up()
    assert await town.rows("company") == []
    signed_in = await confirm_email(town.services, token=token, user_agent="Tests/1.0")

    company = await town.company(signed_in.company.id)
    assert (company.name, company.status) == ("Northwind Traders", "active")
    assert (company.country, company.language) == ("US", "en")
    assert (company.time_zone, company.currency) == ("America/New_York", "USD")
    async with town.databases.tenant_read(company.ref) as read:
        owner = await read.fetchrow(
            "SELECT m.*, d.name AS department FROM member m JOIN department d ON d.id = m.department_id"
        )
        calendar = await load_calendar(read, country=company.country)
    assert owner["name"] == "Andrew Fuller"
    assert owner["email"] == "andrew.fuller@northwind.example"
    assert (owner["roles"], owner["state"], owner["seat"]) == (["OWNER"], "ACTIVE", "FULL")
    assert owner["department"] == "Head office"
    assert owner["id"] == await town.member_id(signed_in)
    assert calendar == WorkingCalendar(country="US", weekend=frozenset({5, 6}))
    assert not calendar.is_working(date(2026, 7, 3))


@pytest.mark.requirement("T6")
async def test_a_company_in_china_speaks_chinese_and_works_on_make_up_days(town):
    signed_in = await town.open(country="CN", language="zh-CN", time_zone="Asia/Shanghai", currency="CNY")
    company = await town.company(signed_in.company.id)
    async with town.databases.tenant_read(company.ref) as read:
        member = await read.fetchrow("SELECT language FROM member")
        calendar = await load_calendar(read, country=company.country)
    assert member["language"] == "ZH_CN"
    assert calendar.is_working(date(2026, 2, 14))  # a Saturday worked for the Spring Festival
    assert not calendar.is_working(date(2026, 2, 17))


async def test_a_company_rests_on_the_days_that_are_usual_in_its_country(town):
    signed_in = await town.open(country="SA", time_zone="Asia/Riyadh", currency="SAR")
    company = await town.company(signed_in.company.id)
    async with town.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT weekend FROM working_week") == ["FRIDAY", "SATURDAY"]


async def test_the_mail_is_written_in_the_language_of_who_signs_up_and_carries_one_link(town):
    await town.sign_up()
    (mail,) = town.mails_to(FULLER.email)
    assert mail.subject == "Confirm your e-mail address for Northwind Traders"
    assert "Hello Andrew Fuller," in mail.text
    link = f"http://127.0.0.1:8400/confirm?token={town.link_to(FULLER.email)}"
    assert mail.text.count(link) == 1
    assert f'href="{link}"' in mail.html


async def test_nothing_that_could_open_the_link_stays_in_the_database(town):
    token = await town.sign_up()
    async with town.databases.control_read() as read:
        mail = await read.fetchrow("SELECT state, text, html FROM platform.mail")
        stored = await read.fetchval("SELECT t::text FROM platform.one_time_token t")
        jobs = await read.fetchval("SELECT string_agg(j::text, '') FROM work.job j")
    assert (mail["state"], mail["text"], mail["html"]) == ("sent", "", "")
    assert token not in stored
    assert token not in jobs
    assert PASSWORD not in stored


@pytest.mark.requirement("T1")
async def test_a_link_clicked_twice_at_once_makes_one_company_and_two_sessions(town):
    token = await town.sign_up()
    first, second = await asyncio.gather(
        confirm_email(town.services, token=token), confirm_email(town.services, token=token)
    )
    assert first.company.id == second.company.id
    assert first.token != second.token
    assert len(await town.rows("company")) == 1
    assert len(await town.rows("membership")) == 1
    company = await town.company(first.company.id)
    async with town.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM member") == 1
        assert await read.fetchval("SELECT count(*) FROM working_week") == 1


async def test_a_link_used_more_than_five_minutes_ago_says_so(town):
    token = await town.sign_up()
    await confirm_email(town.services, token=token)
    sessions = await town.rows("session")
    town.clock.move(timedelta(minutes=5, seconds=1))
    with pytest.raises(LinkUsed):
        await confirm_email(town.services, token=token)
    assert await town.rows("session") == sessions


async def test_a_link_expires_after_two_days_and_opens_nothing(town):
    token = await town.sign_up()
    town.clock.move(timedelta(days=2))
    with pytest.raises(LinkExpired):
        await confirm_email(town.services, token=token)
    assert await town.rows("company") == []
    assert await town.rows("person") == []


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../../etc/passwd", "\x00"])
async def test_a_made_up_link_is_unknown(town, token):
    await town.sign_up()
    with pytest.raises(LinkUnknown):
        await confirm_email(town.services, token=token)
    assert await town.rows("company") == []


async def test_an_invitation_or_reset_token_does_not_confirm(town):
    await town.open()
    from kedang_platform.identity import request_password_reset

    await request_password_reset(town.services, email=FULLER.email, address=ADDRESS)
    await town.work()
    with pytest.raises(LinkUnknown):
        await confirm_email(town.services, token=town.link_to(FULLER.email))


async def test_signing_up_with_a_known_address_tells_its_owner_and_nobody_else(town):
    await town.open()
    before = await town.rows("one_time_token")
    await sign_up(
        town.services, replace(FULLER, name="Mallory", company="Fake Ltd"), password=PASSWORD, address=ADDRESS
    )
    await town.work()
    newest = town.mails_to(FULLER.email)[0]
    assert newest.subject == "You already have an account at Kedang"
    assert "Hello Andrew Fuller," in newest.text
    assert "Fake Ltd" not in newest.text
    assert await town.rows("one_time_token") == before


async def test_of_two_sign_ups_of_one_address_the_first_confirmed_counts(town):
    first = await town.sign_up()
    second = await town.sign_up(replace(FULLER, company="Northwind Two"), password="another good secret")
    signed_in = await confirm_email(town.services, token=second)
    with pytest.raises(LinkUnknown):
        await confirm_email(town.services, token=first)
    assert (await town.company(signed_in.company.id)).name == "Northwind Two"
    assert len(await town.rows("company")) == 1


async def test_a_crash_between_the_two_halves_is_made_up_for_by_the_job(town, monkeypatch):
    token = await town.sign_up()
    whole = confirming._open

    async def crash(*args, **kwargs):
        raise ConnectionResetError("the process died here")

    monkeypatch.setattr(confirming, "_open", crash)
    with pytest.raises(ConnectionResetError):
        await confirm_email(town.services, token=token)
    (company,) = await town.rows("company")
    assert company["status"] == "opening"

    monkeypatch.setattr(confirming, "_open", whole)
    await town.later(seconds=16)
    (company,) = await town.rows("company")
    assert company["status"] == "active"
    signed_in = await sign_in(town.services, email=FULLER.email, password=PASSWORD, address=ADDRESS)
    assert (await town.viewer(signed_in)).roles == {"OWNER"}


async def test_after_a_crash_the_same_link_finishes_too_and_signs_in(town, monkeypatch):
    token = await town.sign_up()
    seeded = confirming.set_status

    async def crash(*args, **kwargs):
        raise ConnectionResetError("the process died after the company's half was written")

    monkeypatch.setattr(confirming, "set_status", crash)
    with pytest.raises(ConnectionResetError):
        await confirm_email(town.services, token=token)
    monkeypatch.setattr(confirming, "set_status", seeded)
    signed_in = await confirm_email(town.services, token=token)
    company = await town.company(signed_in.company.id)
    assert company.status == "active"
    async with town.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM member") == 1
        assert await read.fetchval("SELECT count(*) FROM department") == 1


async def test_opening_an_open_company_changes_nothing(town):
    signed_in = await town.open()
    company = await town.company(signed_in.company.id)
    async with town.databases.tenant_read(company.ref) as read:
        before = await read.fetch("SELECT * FROM audit ORDER BY sequence")
    await finish_opening(town.databases, company_id=company.id, clock=town.clock)
    await town.later(seconds=16)
    async with town.databases.tenant_read(company.ref) as read:
        assert await read.fetch("SELECT * FROM audit ORDER BY sequence") == before


async def test_without_a_spare_schema_the_link_stays_usable(town):
    token = await town.sign_up()
    async with town.databases.control() as control:
        hidden = await control.fetch(
            "UPDATE platform.tenant_schema SET revision = '' WHERE state = 'spare' RETURNING name"
        )
    try:
        with pytest.raises(NoSpareSchema):
            await confirm_email(town.services, token=token)
        assert await town.rows("person") == []
    finally:
        async with town.databases.control() as control:
            await control.fetch(
                "UPDATE platform.tenant_schema SET revision = $2 WHERE name = ANY($1::text[])",
                [row["name"] for row in hidden],
                REVISION,
            )
    assert (await confirm_email(town.services, token=token)).company.id


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"email": "andrew.fuller"}, InvalidEmail),
        ({"email": "andrew\r\nBcc: all@northwind.example"}, InvalidEmail),
        ({"name": "  \n "}, NameMissing),
        ({"company": "x" * 201}, NameMissing),
        ({"country": "us"}, CountryUnknown),
        ({"country": "ZZ"}, CountryUnknown),
        ({"language": "fr"}, LanguageUnknown),
        ({"time_zone": "Mars/Olympus"}, TimeZoneUnknown),
        ({"time_zone": "../../etc/passwd"}, TimeZoneUnknown),
        ({"currency": "DEM"}, CurrencyUnknown),
    ],
)
async def test_wrong_input_is_refused_and_sends_nothing(town, wrong, error):
    with pytest.raises(error):
        await sign_up(town.services, replace(FULLER, **wrong), password=PASSWORD, address=ADDRESS)
    assert await town.rows("mail") == []
    assert await town.rows("one_time_token") == []


async def test_a_guessable_password_is_refused_at_sign_up(town):
    with pytest.raises(PasswordTooCommon):
        await sign_up(town.services, FULLER, password="NorthwindTraders1997", address=ADDRESS)
    assert await town.rows("mail") == []


async def test_sign_ups_of_one_address_are_limited_and_open_again_after_an_hour(town):
    town.services.settings.sign_ups_per_hour = 2
    for number in range(2):
        await sign_up(
            town.services, replace(FULLER, email=f"n{number}@x.example"), password=PASSWORD, address=ADDRESS
        )
    third = replace(FULLER, email="n3@x.example")
    with pytest.raises(TooManyAttempts) as refused:
        await sign_up(town.services, third, password=PASSWORD, address=ADDRESS)
    assert refused.value.params == {"minutes": 60}
    assert len(await town.rows("mail")) == 2
    await sign_up(town.services, third, password=PASSWORD, address="192.0.2.8")
    town.clock.move(timedelta(hours=1))
    await sign_up(town.services, replace(FULLER, email="n4@x.example"), password=PASSWORD, address=ADDRESS)


async def test_one_address_is_not_flooded_with_confirmations(town):
    for number in range(5):
        await sign_up(town.services, FULLER, password=PASSWORD, address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        await sign_up(town.services, FULLER, password=PASSWORD, address="192.0.2.99")


async def test_the_session_of_a_confirmation_opens_the_company(town):
    signed_in = await town.open()
    elsewhere = Credentials(town.databases, key=town.services.key, clock=town.clock)
    identified = await elsewhere.identify(bearer=None, cookie=signed_in.token)
    assert identified.company.id == signed_in.company.id
    assert identified.person_id == signed_in.person.id
    assert identified.scopes == ("read", "write")


def test_every_failure_has_a_stable_code_and_a_message():
    assert LinkExpired.code == "LINK_EXPIRED"
    assert TooManyAttempts.code == "TOO_MANY_ATTEMPTS"
    assert str(TooManyAttempts(minutes=3)) == "Too many attempts. Please try again in 3 minutes."
    assert issubclass(CountryUnknown, KedangError)
