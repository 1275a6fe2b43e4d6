"""Signing in with a second factor: enrolment, codes that count once, recovery, a company that asks for it (T5)."""

import asyncio
from datetime import timedelta

import pyotp
import pytest

from kedang_platform.identity import Browser, Challenged, SignedIn, complete_sign_in, sign_in, two_factor
from kedang_platform.identity.errors import (
    SecondFactorMissing,
    SecondFactorPresent,
    SignInExpired,
    TooManyAttempts,
    WrongCode,
)
from kedang_platform.identity.resetting import request_password_reset, reset_password
from kedang_platform.identity.second_factors import second_factor_of
from tests.support.people import ADDRESS, FULLER, PASSWORD

BROWSER = Browser(ADDRESS, "Tests/1.0")


class Owner:
    """An owner whose app makes codes at the town's clock."""

    def __init__(self, town, opened):
        self.town, self.opened, self.token = town, opened, opened.token
        self.codes = []

    async def identified(self):
        return await self.town.services.credentials.identify(bearer=None, cookie=self.token, enrolling=True)

    async def enrol(self):
        self.app = pyotp.TOTP(
            (await two_factor.start_two_factor(self.town.services, await self.identified())).secret
        )
        self.codes, self.token = await two_factor.confirm_two_factor(
            self.town.services, await self.identified(), code=self.code()
        )
        self.town.clock.move(timedelta(minutes=2))
        return self

    def code(self, steps=0):
        return self.app.at(self.town.clock.now() + timedelta(seconds=30 * steps))

    async def first_step(self, **more):
        return await sign_in(
            self.town.services, email=FULLER.email, password=PASSWORD, address=ADDRESS, **more
        )

    async def complete(self, code, challenge=None, browser=BROWSER):
        if challenge is None:
            challenge = (await self.first_step()).challenge
        return await complete_sign_in(self.town.services, challenge=challenge, code=code, browser=browser)


@pytest.fixture
async def owner(town):
    return Owner(town, await town.open())


@pytest.mark.requirement("T5")
async def test_with_a_second_factor_the_password_alone_opens_nothing(town, owner):
    await owner.enrol()
    before = await town.rows("session")
    asked = await owner.first_step()
    assert isinstance(asked, Challenged)
    assert await town.rows("session") == before
    assert await town.services.credentials.identify(bearer=None, cookie=asked.challenge) is None
    entered = await owner.complete(owner.code(), asked.challenge)
    assert isinstance(entered, SignedIn)
    identified = await town.services.credentials.identify(bearer=None, cookie=entered.token)
    assert identified.person_id == owner.opened.person.id
    signed_in_by = [row["signed_in_by"] for row in await town.rows("session")]
    assert sorted(signed_in_by) == ["link", "password+code"]


async def test_the_secret_is_in_no_table_and_the_codes_neither(town, owner):
    await owner.enrol()
    (kept,) = await town.rows("second_factor")
    assert owner.app.secret.encode() not in bytes(kept["sealed"])
    text = str(await town.rows("recovery_code"))
    assert not any(code in text or code.replace("-", "") in text for code in owner.codes)
    assert len(set(owner.codes)) == 10


@pytest.mark.requirement("T5")
async def test_a_code_counts_once(town, owner):
    await owner.enrol()
    code = owner.code()
    first, second = (await owner.first_step()).challenge, (await owner.first_step()).challenge
    told = await asyncio.gather(
        owner.complete(code, first), owner.complete(code, second), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in told) == ["SignedIn", "WrongCode"]
    town.clock.move(timedelta(seconds=29))
    with pytest.raises(WrongCode):
        await owner.complete(code)


async def test_codes_of_one_step_before_and_after_count_and_none_further_away(town, owner):
    await owner.enrol()
    for steps in (-2, 2, -10):
        with pytest.raises(WrongCode):
            await owner.complete(owner.code(steps))
    assert await owner.complete(owner.code(-1))
    assert await owner.complete(owner.code(1))
    with pytest.raises(WrongCode):  # an earlier step than the last that was taken
        await owner.complete(owner.code(0))


async def test_a_clock_that_was_set_back_does_not_bring_old_codes_back(town, owner):
    await owner.enrol()
    used = owner.code()
    assert await owner.complete(used)
    town.clock.move(timedelta(minutes=-1))
    challenge = (await owner.first_step()).challenge
    for code in (used, owner.code(), owner.code(1)):
        with pytest.raises(WrongCode):
            await owner.complete(code, challenge)


async def test_a_challenge_completes_one_sign_in_within_ten_minutes(town, owner):
    await owner.enrol()
    challenge = (await owner.first_step()).challenge
    assert await owner.complete(owner.code(), challenge)
    town.clock.move(timedelta(minutes=1))
    late = (await owner.first_step()).challenge
    for wrong in (challenge, "", "x" * 43, "\x00"):
        with pytest.raises(SignInExpired):
            await owner.complete(owner.code(), wrong)
    town.clock.move(timedelta(minutes=10))
    before = await town.rows("second_factor")
    with pytest.raises(SignInExpired):
        await owner.complete(owner.code(), late)
    assert await town.rows("second_factor") == before


async def test_what_is_no_code_is_refused_and_changes_nothing(town, owner):
    await owner.enrol()
    kept = ("session", "second_factor", "recovery_code", "one_time_token")
    for code in ("", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "\x00" * 6, "9" * 5000):
        challenge = (await owner.first_step()).challenge
        before = [await town.rows(table) for table in kept]
        with pytest.raises(WrongCode):
            await owner.complete(code, challenge)
        assert [await town.rows(table) for table in kept] == before
        town.clock.move(timedelta(minutes=15))


@pytest.mark.requirement("T5")
async def test_five_wrong_codes_are_the_most_and_a_known_browser_has_its_own(town, owner):
    known = owner.opened.device
    await owner.enrol()
    challenge = (await owner.first_step()).challenge
    told = await asyncio.gather(
        *(owner.complete(f"{n:06}", challenge) for n in range(20)), return_exceptions=True
    )
    kinds = [type(answer).__name__ for answer in told]
    assert (kinds.count("WrongCode"), kinds.count("TooManyAttempts")) == (5, 15)
    with pytest.raises(TooManyAttempts):
        await owner.complete(owner.code())
    challenge = (await owner.first_step(device=known)).challenge
    assert await owner.complete(owner.code(), challenge, Browser(ADDRESS, "", known))


@pytest.mark.requirement("T5")
async def test_each_recovery_code_signs_in_once_however_it_is_written(town, owner):
    await owner.enrol()
    first, second, *_ = owner.codes
    assert await owner.complete(first)
    with pytest.raises(WrongCode):
        await owner.complete(first)
    assert await owner.complete(f" {second.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} ")
    await town.work()
    mail = next(m for m in town.mails_to(FULLER.email) if m.subject == "A recovery code was used")
    assert "Codes left: 8." in mail.text
    async with town.databases.control_read() as read:
        found = await second_factor_of(read, person_id=owner.opened.person.id)
    assert found.recovery_codes_left == 8


async def test_new_recovery_codes_make_the_old_ones_void(town, owner):
    await owner.enrol()
    fresh = await two_factor.new_recovery_codes(town.services, await owner.identified())
    with pytest.raises(WrongCode):
        await owner.complete(owner.codes[0])
    assert await owner.complete(fresh[0])
    assert len(await town.rows("recovery_code")) == 10


async def test_recovery_codes_of_somebody_else_are_worth_nothing(town, owner):
    await owner.enrol()
    nancy = Owner(town, await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons"))
    await nancy.enrol()
    for code in (nancy.codes[0], nancy.code()):
        with pytest.raises(WrongCode):
            await owner.complete(code)
    with pytest.raises(WrongCode):
        await owner.complete(owner.code().translate(str.maketrans("0123456789", "1234567890")))


async def test_a_secret_counts_only_after_a_code_of_it_and_the_last_one_begun(town, owner):
    first = await two_factor.start_two_factor(town.services, await owner.identified())
    assert isinstance(await owner.first_step(), SignedIn)
    second = await two_factor.start_two_factor(town.services, await owner.identified())
    assert first.secret != second.secret
    assert second.uri == (
        f"otpauth://totp/Kedang:andrew.fuller%40northwind.example?secret={second.secret}&issuer=Kedang"
    )
    now = town.clock.now()
    for wrong in (pyotp.TOTP(first.secret).at(now), "000000"):
        with pytest.raises(WrongCode):
            await two_factor.confirm_two_factor(town.services, await owner.identified(), code=wrong)
    assert await town.rows("recovery_code") == []
    owner.app = pyotp.TOTP(second.secret)
    owner.codes, owner.token = await two_factor.confirm_two_factor(
        town.services, await owner.identified(), code=owner.code()
    )
    with pytest.raises(SecondFactorPresent):
        await two_factor.start_two_factor(town.services, await owner.identified())
    assert isinstance(await owner.first_step(), Challenged)


@pytest.mark.requirement("T5")
async def test_switching_on_and_off_renews_the_token_ends_the_others_and_is_told(town, owner):
    other = await owner.first_step()
    old = owner.token
    await owner.enrol()
    identify = town.services.credentials.identify
    for gone in (old, other.token):
        assert await identify(bearer=None, cookie=gone) is None
    now_on = owner.token
    assert await identify(bearer=None, cookie=now_on) is not None
    owner.token = await two_factor.disable_two_factor(town.services, await owner.identified())
    assert await identify(bearer=None, cookie=now_on) is None
    assert await identify(bearer=None, cookie=owner.token) is not None
    assert await town.rows("second_factor") == await town.rows("recovery_code") == []
    assert isinstance(await owner.first_step(), SignedIn)
    with pytest.raises(SecondFactorMissing):
        await two_factor.disable_two_factor(town.services, await owner.identified())
    await town.work()
    told = {mail.subject for mail in town.mails_to(FULLER.email)}
    assert {"Two-factor sign-in is on", "Two-factor sign-in was switched off"} <= told


async def test_a_reset_of_the_password_keeps_the_second_factor(town, owner):
    await owner.enrol()
    await request_password_reset(town.services, email=FULLER.email, address=ADDRESS)
    await town.work()
    known = await reset_password(town.services, token=town.link_to(FULLER.email), password=PASSWORD)
    assert isinstance(await owner.first_step(device=known), Challenged)


@pytest.mark.requirement("T5")
async def test_who_has_no_second_factor_can_do_nothing_else_where_the_company_asks_for_one(town, owner):
    identify = town.services.credentials.identify
    other = await owner.first_step()
    async with town.databases.control() as control:
        with pytest.raises(SecondFactorMissing):
            await two_factor.require_of_company(
                control,
                company_id=owner.opened.company.id,
                person_id=owner.opened.person.id,
                required=True,
            )
    async with town.databases.control() as control:
        await control.fetch("UPDATE platform.company SET requires_two_factor = true")
    town.services.credentials.forget()
    assert await identify(bearer=None, cookie=other.token) is None
    enrolling = await identify(bearer=None, cookie=other.token, enrolling=True)
    assert enrolling.must_enrol
    again = await owner.first_step()
    assert again.must_enrol
    owner.token = again.token
    await owner.enrol()
    assert (await identify(bearer=None, cookie=owner.token)).must_enrol is False
