"""Signing in, guessing limits, sessions and their end (T5)."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.identity import Credentials, Passwords, keep_credentials, sessions_of, sign_in, sign_out
from kedang_platform.identity.announcing import VALKEY_CHANNEL
from kedang_platform.identity.credentials import REMEMBERED_SECONDS
from kedang_platform.identity.errors import NoCompany, TooManyAttempts, WrongCredentials
from kedang_platform.identity.keeping import hear_endings
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.wakeup import Waker
from tests.support.people import ADDRESS, FULLER, PASSWORD


async def try_in(town, *, email=FULLER.email, password=PASSWORD, address=ADDRESS, **more):
    return await sign_in(town.services, email=email, password=password, address=address, **more)


@pytest.mark.requirement("T5")
async def test_the_right_password_opens_a_session_in_the_company(town):
    opened = await town.open()
    signed_in = await try_in(
        town, email=" Andrew.FULLER@northwind.example", user_agent="Firefox\r\n" + "x" * 300
    )
    assert signed_in.company.id == opened.company.id
    identified = await town.services.credentials.identify(bearer=None, cookie=signed_in.token)
    assert identified.person_id == opened.person.id
    assert identified.kind == "session"
    async with town.databases.control_read() as read:
        sessions = await sessions_of(read, person_id=opened.person.id, now=town.clock.now())
    assert {s.user_agent[:7] for s in sessions} == {"Firefox", "Tests/1"}
    assert max(len(s.user_agent) for s in sessions) == 200


async def test_the_token_itself_is_not_in_the_database(town):
    signed_in = await town.open()
    async with town.databases.control_read() as read:
        stored = await read.fetchval("SELECT s::text FROM platform.session s")
    assert signed_in.token not in stored


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "vier Pferde im regen"},
        {"password": ""},
        {"email": "nobody@northwind.example"},
        {"email": "not an address"},
        {"email": "' OR 1=1 --@x.example"},
    ],
)
async def test_wrong_email_and_wrong_password_get_one_answer_and_no_session(town, wrong):
    await town.open()
    before = await town.rows("session")
    with pytest.raises(WrongCredentials) as refused:
        await try_in(town, **wrong)
    assert str(refused.value) == "The e-mail address or the password is wrong."
    assert await town.rows("session") == before


async def test_an_unknown_person_costs_the_same_hash(town, monkeypatch):
    await town.open()
    seen = []
    verify = Passwords._verify

    def watch(self, password_hash, password):
        seen.append(password_hash is not None)
        return verify(self, password_hash, password)

    monkeypatch.setattr(Passwords, "_verify", watch)
    for email in (FULLER.email, "nobody@northwind.example", "not an address"):
        with pytest.raises(WrongCredentials):
            await try_in(town, email=email, password="wrong but long enough")
    assert seen == [True, False, False]


async def test_a_person_who_has_only_been_invited_cannot_sign_in(town):
    async with town.databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.person (id, email, name, language, created_at)"
            " VALUES ($1, 'new@northwind.example', 'New', 'en', $2)",
            new_id(),
            town.clock.now(),
        )
    with pytest.raises(WrongCredentials):
        await try_in(town, email="new@northwind.example", password="")


@pytest.mark.requirement("T5")
async def test_ten_wrong_passwords_of_one_address_close_the_account_to_it_for_a_quarter_of_an_hour(town):
    await town.open()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await try_in(town, password="wrong but long enough")
    with pytest.raises(TooManyAttempts) as refused:
        await try_in(town)
    assert refused.value.params == {"minutes": 15}
    town.clock.move(timedelta(minutes=14, seconds=30))
    with pytest.raises(TooManyAttempts) as refused:
        await try_in(town)
    assert refused.value.params == {"minutes": 1}
    assert await try_in(town, address="192.0.2.200")
    town.clock.move(timedelta(seconds=30))
    assert await try_in(town)


async def test_guesses_sent_side_by_side_are_counted_one_by_one(town):
    await town.open()
    guesses = [try_in(town, password=f"guess number {n}", address=f"192.0.2.{n}") for n in range(40)]
    told = await asyncio.gather(*guesses, return_exceptions=True)
    assert (
        sorted(type(answer).__name__ for answer in told)
        == ["TooManyAttempts"] * 15 + ["WrongCredentials"] * 25
    )


async def test_an_unknown_account_is_limited_like_a_known_one(town):
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await try_in(town, email="nobody@northwind.example")
    with pytest.raises(TooManyAttempts):
        await try_in(town, email="nobody@northwind.example")


async def test_one_address_may_not_try_many_accounts(town):
    await town.open()
    for number in range(50):
        with pytest.raises(WrongCredentials):
            await try_in(town, email=f"n{number}@northwind.example", password="")
    with pytest.raises(TooManyAttempts):
        await try_in(town)
    assert await try_in(town, address="192.0.2.9")


async def test_success_forgets_the_tries_of_the_account(town):
    await town.open()
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(WrongCredentials):
                await try_in(town, password="wrong but long enough")
        await try_in(town)
    buckets = {row["bucket"].split(":")[0]: row["spent"] for row in await town.rows("throttle")}
    assert buckets["sign_in_address"] == 27
    assert buckets["sign_in_account"] == 0
    assert "sign_in_pair" not in buckets


async def test_no_bucket_names_a_person_or_an_address(town):
    await town.open()
    text = str(await town.rows("throttle"))
    assert "fuller" not in text
    assert ADDRESS not in text


async def test_a_named_company_must_be_ones_own(town):
    mine = await town.open()
    other = await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons")
    assert (await try_in(town, company_id=mine.company.id)).company.id == mine.company.id
    before = await town.rows("session")
    for company_id in (other.company.id, new_id()):
        with pytest.raises(NoCompany):
            await try_in(town, company_id=company_id)
    assert await town.rows("session") == before


async def test_an_older_hash_is_renewed_at_sign_in(town):
    await town.open()
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with town.databases.control() as control:
        await control.fetch("UPDATE platform.person SET password_hash = $1", old)
    await try_in(town)
    (person,) = await town.rows("person")
    assert person["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await try_in(town)


@pytest.mark.requirement("T5")
async def test_signing_out_ends_the_session_at_once(town):
    signed_in = await town.open()
    identify = town.services.credentials.identify
    identified = await identify(bearer=None, cookie=signed_in.token)
    other = await try_in(town)
    assert await sign_out(town.services, person_id=signed_in.person.id, session_id=identified.credential_id)
    assert await identify(bearer=None, cookie=signed_in.token) is None
    assert await identify(bearer=None, cookie=other.token) is not None
    assert not await sign_out(
        town.services, person_id=signed_in.person.id, session_id=identified.credential_id
    )


async def test_nobody_ends_the_session_of_another_person(town):
    mine = await town.open()
    other = await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons")
    identify = town.services.credentials.identify
    theirs = await identify(bearer=None, cookie=other.token)
    assert not await sign_out(town.services, person_id=mine.person.id, session_id=theirs.credential_id)
    assert await identify(bearer=None, cookie=other.token) == theirs


async def test_another_process_forgets_an_ended_session_within_five_seconds(town):
    signed_in = await town.open()
    seconds = 1000.0
    elsewhere = Credentials(town.databases, key=town.services.key, clock=town.clock, seconds=lambda: seconds)
    identified = await elsewhere.identify(bearer=None, cookie=signed_in.token)
    await sign_out(town.services, person_id=signed_in.person.id, session_id=identified.credential_id)
    assert REMEMBERED_SECONDS <= 5
    seconds += REMEMBERED_SECONDS - 0.001
    assert await elsewhere.identify(bearer=None, cookie=signed_in.token) == identified
    seconds += 0.001
    assert await elsewhere.identify(bearer=None, cookie=signed_in.token) is None


async def test_another_process_that_listens_forgets_it_at_once(town):
    signed_in = await town.open()
    elsewhere = Credentials(town.databases, key=town.services.key, clock=town.clock)
    keeping = asyncio.create_task(keep_credentials(town.databases, elsewhere, interval=0.05))
    try:
        await asyncio.sleep(0.2)
        identified = await elsewhere.identify(bearer=None, cookie=signed_in.token)
        assert identified is not None
        await sign_out(town.services, person_id=signed_in.person.id, session_id=identified.credential_id)
        async with asyncio.timeout(2):
            while await elsewhere.identify(bearer=None, cookie=signed_in.token) is not None:  # noqa: ASYNC110 - told by the database
                await asyncio.sleep(0.01)
    finally:
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping


async def test_another_process_that_can_only_hear_valkey_forgets_it_at_once(town, work_redis_url):
    signed_in = await town.open()
    elsewhere = Credentials(town.databases, key=town.services.key, clock=town.clock)
    hearing = asyncio.create_task(hear_endings(elsewhere, work_redis_url))
    ender = Waker(work_redis_url, channel=VALKEY_CHANNEL)
    told, town.databases.tell_ended = town.databases.tell_ended, ender.wake
    try:
        await asyncio.sleep(0.1)
        identified = await elsewhere.identify(bearer=None, cookie=signed_in.token)
        assert identified is not None
        assert await sign_out(
            town.services, person_id=signed_in.person.id, session_id=identified.credential_id
        )
        async with asyncio.timeout(2):
            while await elsewhere.identify(bearer=None, cookie=signed_in.token) is not None:  # noqa: ASYNC110 - told by Valkey
                await asyncio.sleep(0.01)
    finally:
        town.databases.tell_ended = told
        await ender.close()
        hearing.cancel()
        await asyncio.wait([hearing])


async def test_an_answer_looked_up_before_a_revocation_is_not_remembered_after_it(town, monkeypatch):
    signed_in = await town.open()
    credentials = Credentials(town.databases, key=town.services.key, clock=town.clock)
    from kedang_platform.identity import credentials as module

    whole = module.authenticate

    async def overtaken(*args, **kwargs):
        found = await whole(*args, **kwargs)
        credentials.forget()
        return found

    monkeypatch.setattr(module, "authenticate", overtaken)
    assert await credentials.identify(bearer=None, cookie=signed_in.token) is not None
    assert credentials._remembered == {}


async def test_a_session_ends_after_thirty_days_also_where_it_is_remembered(town):
    signed_in = await town.open()
    identify = town.services.credentials.identify
    for _ in range(5):
        town.clock.move(timedelta(days=5))
        assert await identify(bearer=None, cookie=signed_in.token) is not None
        await town.services.credentials.write_uses()
        town.services.credentials.forget()
    town.clock.move(timedelta(days=5, seconds=-1))
    assert await identify(bearer=None, cookie=signed_in.token) is not None
    town.clock.move(timedelta(seconds=1))
    assert await identify(bearer=None, cookie=signed_in.token) is None


async def test_the_last_use_is_kept(town):
    signed_in = await town.open()
    town.clock.move(timedelta(hours=3))
    await town.services.credentials.identify(bearer=None, cookie=signed_in.token)
    await town.services.credentials.write_uses()
    (session,) = await town.rows("session")
    assert session["last_used_at"] - session["created_at"] == timedelta(hours=3)


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "\x00", "ключ"])
async def test_a_made_up_cookie_identifies_nobody(town, cookie):
    await town.open()
    assert await town.services.credentials.identify(bearer=None, cookie=cookie) is None


async def test_a_wrong_bearer_is_not_made_good_by_a_cookie(town):
    signed_in = await town.open()
    identify = town.services.credentials.identify
    assert await identify(bearer="kd_live_nonsense", cookie=signed_in.token) is None
    assert await identify(bearer="", cookie=signed_in.token) is None
    assert await identify(bearer=signed_in.token, cookie=None) is None


async def test_old_rows_are_forgotten(town):
    await town.open()
    town.clock.move(timedelta(days=33))
    async with town.databases.control() as control:
        await enqueue(control, NewJob("people.forget_old"))
    await town.work()
    for table in ("session", "throttle", "one_time_token", "mail"):
        assert await town.rows(table) == [], table
    assert len(await town.rows("person")) == 1
