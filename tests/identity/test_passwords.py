"""Which passwords are taken, and how they are kept (T5)."""

import asyncio
import hashlib
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.identity import Passwords, check_password
from kedang_platform.identity.breaches import Breaches
from kedang_platform.identity.errors import (
    PasswordBreached,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooBusy,
)
from kedang_platform.identity.guessing import guesses


@pytest.fixture
def passwords():
    passwords = Passwords()
    yield passwords
    passwords.close()


@pytest.mark.parametrize("password", ["", "a", "ab3$ef7!k", "九个字的密码还太短"])
def test_nine_characters_are_too_few(password):
    with pytest.raises(PasswordTooShort) as refused:
        check_password(password)
    assert str(refused.value) == "A password needs at least 10 characters."


def test_ten_characters_are_enough_and_128_are_the_most():
    check_password("kX9#mQ2$vL")
    check_password("四匹马在雨中慢慢地走")
    check_password("tr" + "ouv" * 42)
    with pytest.raises(PasswordTooLong):
        check_password("kX9#mQ2$vL" * 12 + "123456789")


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "PASSWORD!!",
        "Passw0rd2024",
        "woaini1314520",
        "5201314520",
        "qq1234567890",
        "1qaz2wsx3edc",
        "1234567890",
        "9876543210",
        "qwertyuiop",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "123123123123",
        "abcabcabcabc",
        "13800138000",
        "１２３４５６７８９０",
        "我爱你一生一世520520520",
        "zhangwei199001",
        "i love you 1234",
        "Zhangwei1991",
        "wangxiaoming0812",
        "WangXiaoMing@1990",
        "li19880101ming",
        "P@ssw0rd2026",
        "Admin@123456",
        "Welcome@2026!",
        "liverpool2020",
        "qq5201314521",
        "iloveyoubaby123",
        "qwe123!@#qwe",
        "taobao888888",
        "kedang2026!",
        "客档客户档案2026",
        "0pensesame1999",
        "...........1234567",
    ],
)
def test_what_everybody_guesses_is_refused(password):
    with pytest.raises(PasswordTooCommon):
        check_password(password)


@pytest.mark.parametrize(
    "password", ["Andrew.Fuller", "andrew.fuller2026", "NorthwindTraders", "northwind1234", "fuller123456"]
)
def test_ones_own_data_is_refused(password):
    own = ("andrew.fuller@northwind.example", "Andrew Fuller", "Northwind Traders")
    with pytest.raises(PasswordTooCommon):
        check_password(password, own=own)
    check_password("Fuller rides to Seattle", own=own)


async def test_the_hash_is_argon2id_with_the_parameters_of_the_design(passwords):
    encoded = await passwords.hash("vier Pferde im Regen")
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.hash("vier Pferde im Regen") != encoded
    assert not passwords.outdated(encoded)
    assert passwords.outdated(encoded.replace("t=2", "t=1"))


async def test_only_the_right_password_fits(passwords):
    encoded = await passwords.hash("vier Pferde im Regen")
    assert await passwords.verify(encoded, "vier Pferde im Regen")
    assert not await passwords.verify(encoded, "vier Pferde im regen")
    assert not await passwords.verify(encoded, "")
    assert not await passwords.verify(encoded, "x" * 100_000)
    assert not await passwords.verify("not a hash", "vier Pferde im Regen")


async def test_one_spelling_for_what_looks_the_same(passwords):
    encoded = await passwords.hash("ｖｉｅｒ Pferde 1²")
    assert await passwords.verify(encoded, "vier Pferde 12")


async def test_for_nobody_nothing_fits_and_the_work_is_the_same(passwords, monkeypatch):
    encoded = await passwords.hash("vier Pferde im Regen")
    checked = []
    verify = type(passwords._argon2).verify

    def watch(self, password_hash, password):
        checked.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, password_hash, password)

    monkeypatch.setattr(type(passwords._argon2), "verify", watch)
    for known in (encoded, None):
        assert not await passwords.verify(known, "wrong but long enough")
        assert not await passwords.verify(known, "")
    assert checked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 4


async def test_more_than_can_wait_are_told_to_come_back():
    passwords = Passwords(threads=1, waiting=2)
    try:
        tries = [passwords.hash("vier Pferde im Regen") for _ in range(5)]
        told = await asyncio.gather(*tries, return_exceptions=True)
        assert [type(answer) for answer in told] == [str, str, str, TooBusy, TooBusy]
        assert await passwords.hash("again") != ""
    finally:
        passwords.close()


@pytest.mark.parametrize(
    "password",
    [
        "woxihuankanshu1990",
        "vier Pferde im Regen",
        "trombone lake 77",
        "kX9#mQ2$vL",
        "雨中的四匹马与七只鹿",
        "bvq9 xkd2 wpl7",
    ],
)
def test_what_takes_long_to_guess_is_taken(password):
    check_password(password, own=("andrew.fuller@northwind.example", "Andrew Fuller"))


@given(st.text(min_size=10, max_size=128), st.text(max_size=20))
def test_any_text_is_judged_and_more_of_it_is_never_easier_by_a_known_name(password, name):
    """Who is known by a name gives the guesser something, never takes it away."""
    assert 0 <= guesses(password, own=(name,)) <= guesses(password)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789!", min_size=10, max_size=40))
def test_case_spaces_and_width_of_letters_make_nothing_harder(password):
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in password)
    spaced = " ".join(password.upper())
    assert guesses(wide) == guesses(spaced) == guesses(password)


@asynccontextmanager
async def range_service(answer):
    """A service in the shape of the range API; what it was asked for."""
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        writer.write(answer(asked[-1]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/range/", asked


def told(lines, status="200 OK"):
    body = "\r\n".join(lines).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


HORSES = hashlib.sha1(b"vier Pferde im Regen").hexdigest().upper()


@pytest.mark.requirement("T5")
async def test_a_breached_password_is_refused_and_five_digits_of_it_are_told(capsys):
    lines = [f"{'0' * 35}:7", f"{HORSES[5:]}:3", f"{'F' * 35}:0"]
    async with range_service(lambda _: told(lines)) as (url, asked):
        with pytest.raises(PasswordBreached):
            await Breaches(url).check("vier Pferde im Regen")
        await Breaches(url).check("sieben Hirsche im Wald")
    assert asked[0] == f"/range/{HORSES[:5]}"
    assert all(len(path) == len("/range/") + 5 for path in asked)


@pytest.mark.parametrize(
    "answer",
    [
        told([f"{HORSES[5:]}:0"]),
        told([f"{HORSES[5:]}:3"], "503 Service Unavailable"),
        told([f"{HORSES[5:]}:3"], "302 Found"),
        told(["nonsense", ":::", HORSES[5:]]),
        b"no HTTP at all",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 600_000,
    ],
)
async def test_a_service_that_says_nothing_of_it_refuses_nobody(answer, capsys):
    async with range_service(lambda _: answer) as (url, asked):
        await Breaches(url).check("vier Pferde im Regen")
    assert len(asked) == 1


async def test_without_a_service_and_with_a_dead_one_nobody_is_refused(capsys):
    await Breaches(None).check("vier Pferde im Regen")
    await Breaches("http://127.0.0.1:9/range").check("vier Pferde im Regen")
    await Breaches("not an address").check("vier Pferde im Regen")
