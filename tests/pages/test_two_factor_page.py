"""The pages of two-factor sign-in and of a new address, as a browser without script sees them."""

import re

import pyotp
import pytest

from kedang_platform.identity import own_account
from kedang_platform.mail import list_mails
from tests.pages.test_pages import opened
from tests.support.people import FULLER, PASSWORD


async def require(browser):
    """The company asks every member for a second factor from now on."""
    async with browser.gateway.services.databases.control() as control:
        await control.fetch("UPDATE platform.company SET requires_two_factor = true")
    browser.gateway.services.identity.credentials.forget()


@pytest.mark.requirement("T5")
async def test_a_member_is_led_to_set_a_second_factor_up_and_signs_in_with_it(browser):
    await opened(browser)
    await require(browser)
    page = await browser.open("/")
    assert browser.answer.url.path == "/two-factor"
    assert "Northwind Traders asks for a one-time code at sign-in" in page.text
    page = await browser.send()
    app = pyotp.TOTP(page.fields["secret"])
    assert app.secret in page.text.replace(" ", "")
    page = await browser.send(code="000000")
    assert browser.answer.status_code == 422
    assert page.alerts == ["This code is wrong or was used already."]
    page = await browser.send(code=app.now())
    codes = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}", page.text)
    assert len(codes) == 10
    page = await browser.open("/")
    assert "You are signed in as Andrew Fuller" in page.text
    await browser.send()
    await browser.open("/sign-in")
    page = await browser.send(email=FULLER.email, password=PASSWORD)
    assert page.title.startswith("Enter your one-time code")
    assert browser.http.cookies.get("kedang") is None
    page = await browser.send(code="wrong")
    assert page.alerts == ["This code is wrong or was used already."]
    page = await browser.send(code=codes[3])
    assert browser.answer.url.path == "/"
    assert "You are signed in as Andrew Fuller" in page.text
    await browser.send()
    await browser.open("/sign-in")
    await browser.send(email=FULLER.email, password=PASSWORD)
    page = await browser.send(challenge="x" * 43, code=codes[4])
    assert browser.answer.status_code == 410
    assert "This sign-in has expired." in page.text


@pytest.mark.requirement("T5")
async def test_the_first_page_leads_to_setting_one_up_until_there_is_one(browser):
    await opened(browser)
    page = await browser.open("/")
    await browser.open(page.links["Set up two-factor sign-in"])
    page = await browser.send()
    await browser.send(code=pyotp.TOTP(page.fields["secret"]).now())
    assert "Set up two-factor sign-in" not in (await browser.open("/")).links
    page = await browser.open("/two-factor")
    assert (page.title.split(" · ")[0], list(page.links)[-1]) == ("Two-factor sign-in is on", "Go on")


async def test_who_is_not_signed_in_or_not_freshly_so_signs_in_first(browser):
    await browser.open("/two-factor")
    assert browser.answer.url.path == "/sign-in"
    await opened(browser)
    async with browser.gateway.services.databases.control() as control:
        await control.fetch("UPDATE platform.session SET authenticated_at = now() - interval '15 minutes'")
    browser.gateway.services.identity.credentials.forget()
    await browser.open("/two-factor")
    assert browser.answer.url.path == "/sign-in"
    async with browser.gateway.services.databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.second_factor") == 0


@pytest.mark.requirement("T5")
async def test_a_new_address_is_confirmed_on_a_page_and_opening_it_changes_nothing(browser):
    await opened(browser)
    services = browser.gateway.services
    credentials = services.identity.credentials
    person = await credentials.identify(bearer=None, cookie=browser.http.cookies["kedang"])
    await own_account.request_email_change(services.identity, person, email="andrew@new.example")
    link = await browser.link_in_mail("andrew@new.example")
    await browser.open(link)
    page = await browser.open("/")
    assert FULLER.email in page.text
    await browser.open(link)
    page = await browser.send()
    assert page.title.startswith("Your e-mail address was changed")
    page = await browser.open("/")
    assert "andrew@new.example" in page.text
    await browser.work()
    told = list_mails(services.settings.var / "mail", to=FULLER.email)[0]
    assert told.subject == "Your e-mail address was changed"
    await browser.open("/email?token=" + "x" * 43)
    assert browser.answer.status_code == 404
