"""Limits of guessing, and that nobody can keep an account's owner out by guessing (T5, ADR 22)."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.identity import Passwords, reset_password, sign_in
from kedang_platform.identity.browsers import network_of, place_of
from kedang_platform.identity.errors import TooManyAttempts, WrongCredentials
from tests.support.people import ADDRESS, FULLER, PASSWORD


async def try_in(town, *, email=FULLER.email, password=PASSWORD, address=ADDRESS, **more):
    return await sign_in(town.services, email=email, password=password, address=address, **more)


async def guess(town, **more):
    with pytest.raises(WrongCredentials):
        await try_in(town, password="wrong but long enough", **more)


@pytest.fixture
def cheap(monkeypatch):
    """Counts the guesses that reach the hash, none of which is right, without the price of one."""
    seen = []

    async def verify(self, password_hash, password):
        seen.append(password)
        return password == PASSWORD

    monkeypatch.setattr(Passwords, "verify", verify)
    return seen


@pytest.mark.parametrize(
    ("address", "network", "place"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:DB8:1:2:FFFF:FFFF:FFFF:FFFF", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("testclient", "testclient", None),
        ("", "", None),
    ],
)
def test_an_address_of_ipv6_stands_for_its_whole_network(address, network, place):
    assert (network_of(address), place_of(address)) == (network, place)


@pytest.mark.requirement("T5")
async def test_who_hammers_an_account_does_not_lock_its_owner_out(town, cheap):
    known = (await town.open()).device
    for round_ in range(3):
        for number in range(25):
            await guess(town, address=f"198.51.100.{number}")
        with pytest.raises(TooManyAttempts):
            await try_in(town, address="198.51.100.200")
        opened = await try_in(town, address=f"203.0.113.{round_}", device=known)
        assert opened.device == known
        with pytest.raises(TooManyAttempts):
            await guess(town, address="198.51.100.201")
        town.clock.move(timedelta(minutes=15))


async def test_a_known_browser_is_known_for_its_person_alone(town, cheap):
    known = (await town.open()).device
    other = await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons")
    for number in range(25):
        await guess(town, address=f"198.51.100.{number}")
    for device in (other.device, None, "", "x" * 43, known + "x", known[:-1], "x" * 5000, "ключ"):
        with pytest.raises(TooManyAttempts):
            await try_in(town, address="198.51.100.200", device=device)
    assert (await try_in(town, device=known)).device == known


async def test_a_known_browser_has_ten_guesses_and_counts_in_no_other_bucket(town, cheap):
    known = (await town.open()).device
    for _ in range(10):
        await guess(town, device=known)
    with pytest.raises(TooManyAttempts):
        await try_in(town, device=known)
    buckets = {row["bucket"].split(":")[0]: row["spent"] for row in await town.rows("throttle")}
    assert buckets == {"sign_up_address": 1, "sign_up_email": 1, "sign_in_device": 10}
    assert (await try_in(town)).device != known


async def test_whoever_reads_the_mailbox_gets_in_while_somebody_hammers(town, cheap):
    await town.open()
    for number in range(25):
        await guess(town, address=f"198.51.100.{number}")
    from kedang_platform.identity import request_password_reset

    await request_password_reset(town.services, email=FULLER.email, address=ADDRESS)
    await town.work()
    known = await reset_password(town.services, token=town.link_to(FULLER.email), password=PASSWORD)
    for number in range(25):
        await guess(town, address=f"198.51.100.{number}")
    assert await try_in(town, address="198.51.100.200", device=known)


async def test_addresses_of_one_network_of_ipv6_share_their_tries(town, cheap):
    await town.open()
    for number in range(10):
        await guess(town, address=f"2001:db8::{number:x}")
    with pytest.raises(TooManyAttempts):
        await try_in(town, address="2001:db8::ffff:1")
    assert await try_in(town, address="2001:db8:0:1::1")


@pytest.mark.requirement("T5")
async def test_of_fifty_guesses_side_by_side_exactly_ten_are_verified(town, cheap):
    await town.open()
    told = await asyncio.gather(
        *(try_in(town, password=f"guess number {n}") for n in range(50)), return_exceptions=True
    )
    assert len(cheap) == 10
    kinds = [type(answer).__name__ for answer in told]
    assert (kinds.count("WrongCredentials"), kinds.count("TooManyAttempts")) == (10, 40)


async def test_a_browser_is_known_for_a_year_after_the_last_sign_in(town, cheap):
    known = (await town.open()).device
    town.clock.move(timedelta(days=364))
    assert (await try_in(town, device=known)).device == known
    town.clock.move(timedelta(days=365))
    again = await try_in(town, device=known)
    assert again.device != known
    assert again.device is not None


@pytest.mark.requirement("T5")
async def test_a_new_browser_is_told_by_mail_and_a_known_one_is_not(town, cheap):
    known = (await town.open()).device
    await try_in(town, device=known, user_agent="Firefox/150")
    await town.work()
    assert len(town.mails_to(FULLER.email)) == 1
    await try_in(town, user_agent="Edge/150\r\nBcc: x@evil.example", address="192.0.2.99")
    await town.work()
    mail = town.mails_to(FULLER.email)[0]
    assert mail.subject == "You signed in from a new browser"
    assert "Edge/150 Bcc: x@evil.example, network 192.0.2.0/24, 2026-03-02 01:00 (UTC)" in mail.text
    assert "192.0.2.99" not in mail.text


async def test_a_browser_that_several_people_use_is_known_for_each_of_them(town, cheap):
    known = (await town.open()).device
    await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons")
    nancy = await try_in(town, email="nancy@rival.example", device=known)
    assert nancy.device == known
    assert (await try_in(town, device=known)).device == known
    rows = await town.rows("device")
    assert len(rows) == 3
    assert all(known.encode() not in bytes(row["token_hash"]) for row in rows)


async def test_a_browser_cannot_say_itself_by_what_it_is_known(town, cheap):
    await town.open()
    planted = "A" * 43
    assert (await try_in(town, device=planted)).device != planted
