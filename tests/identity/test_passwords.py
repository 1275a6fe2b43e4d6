"""Which passwords are taken, and how they are kept (T5)."""

import asyncio

import pytest

from kedang_platform.identity import Passwords, check_password
from kedang_platform.identity.errors import PasswordTooCommon, PasswordTooLong, PasswordTooShort, TooBusy


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
