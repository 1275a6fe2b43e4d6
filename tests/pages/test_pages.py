"""The pages a person signs up and in with, as a browser without script sees them."""

import re

import pytest

from kedang_graphql.pages import choices
from kedang_platform.i18n import LANGUAGES
from tests.support.people import FULLER, PASSWORD

SECRET = "sieben Hirsche im Wald"
TYPED = {
    "companyName": "Northwind Traders",
    "name": "Andrew Fuller",
    "email": FULLER.email,
    "password": PASSWORD,
}


async def opened(browser):
    """A company that signed up and confirmed through the pages; the browser is signed in."""
    await browser.open("/sign-up")
    await browser.send(**TYPED)
    await browser.open(await browser.link_in_mail(FULLER.email))
    await browser.send()


@pytest.mark.requirement("T1")
async def test_a_person_signs_up_confirms_by_the_mail_and_stands_in_the_company(browser):
    page = await browser.open("/sign-up")
    assert page.fields["country"] == "US"
    page = await browser.send(**TYPED)
    assert browser.answer.status_code == 200
    assert browser.answer.url.path == "/sign-up/sent"
    assert "Look into your mailbox" in page.text
    page = await browser.open(await browser.link_in_mail(FULLER.email))
    assert "With one click Northwind Traders is ready." in page.text
    page = await browser.send()
    assert browser.answer.url.path == "/"
    assert "Northwind Traders" in page.text
    assert "You are signed in as Andrew Fuller (andrew.fuller@northwind.example)." in page.text


async def test_opening_the_link_alone_uses_nothing_up(browser):
    await browser.open("/sign-up")
    await browser.send(**TYPED)
    link = await browser.link_in_mail(FULLER.email)
    for _ in range(3):
        await browser.open(link)
    async with browser.gateway.services.databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == 0
    await browser.send()
    assert browser.answer.url.path == "/"


async def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(browser):
    await opened(browser)
    session, device = browser.answer.history[-1].headers.get_list("set-cookie")
    assert session.startswith("kedang=")
    assert device.startswith("kedang-device=")
    for cookie in (session, device):
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


async def test_signing_out_and_in_again(browser):
    await opened(browser)
    page = await browser.send()
    assert browser.answer.url.path == "/sign-in"
    page = await browser.open("/")
    assert "Sign in" in page.links
    page = await browser.open("/sign-in")
    page = await browser.send(email=FULLER.email, password="wrong but long enough")
    assert browser.answer.status_code == 422
    assert page.alerts == ["The e-mail address or the password is wrong."]
    assert page.fields["email"] == FULLER.email
    assert page.fields["password"] == ""
    page = await browser.send(password=PASSWORD)
    assert "You are signed in as Andrew Fuller" in page.text


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(browser):
    await browser.open("/sign-up")
    page = await browser.send(**{**TYPED, "password": "password123", "country": "DE", "currency": "EUR"})
    assert browser.answer.status_code == 422
    assert page.alerts == [
        "This password is easy to guess: it is among the most used ones, or made of your own data."
    ]
    assert 'aria-describedby="password-wrong"' in browser.answer.text
    assert page.fields | {"password": ""} == {
        **TYPED,
        "password": "",
        "country": "DE",
        "currency": "EUR",
        "timeZone": "America/New_York",
        "language": "en",
    }
    page = await browser.send(email="andrew", password=PASSWORD)
    assert page.alerts == ["This is not an e-mail address."]
    page = await browser.send(email=FULLER.email, country="XX", password=PASSWORD)
    assert page.alerts == ["Please choose a country."]


async def test_what_was_typed_is_shown_as_text(browser):
    await browser.open("/sign-up")
    await browser.send(**{**TYPED, "companyName": '"><script>alert(1)</script>', "email": "x"})
    assert "<script" not in browser.answer.text
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in browser.answer.text


async def test_braces_in_names_are_not_placeholders(browser):
    await browser.open("/sign-up")
    await browser.send(**{**TYPED, "companyName": "{x} & {name}", "name": "{0} {email}"})
    page = await browser.open(await browser.link_in_mail(FULLER.email))
    assert "With one click {x} & {name} is ready." in page.text
    page = await browser.send()
    assert "{x} & {name}" in page.text
    assert "You are signed in as {0} {email} (andrew.fuller@northwind.example)." in page.text


@pytest.mark.parametrize(
    "path", ["/", "/sign-up", "/sign-up/sent", "/sign-in", "/reset", "/mail", "/confirm?token=x"]
)
async def test_every_page_speaks_chinese_when_asked_and_leads_to_the_other_language(browser, path):
    page = await browser.open(path, **{"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert page.lang == "zh-CN"
    assert "English" in page.links
    other = await browser.open(page.links["English"], **{"accept-language": "zh-CN"})
    assert other.lang == "en"
    assert "中文" in other.links
    assert browser.answer.url.path == path.partition("?")[0]


async def test_the_language_of_the_address_comes_before_the_browsers_and_stays(browser):
    page = await browser.open("/sign-up?lang=zh-CN")
    assert page.lang == "zh-CN"
    assert page.fields["country"] == "CN"
    assert page.fields["timeZone"] == "Asia/Shanghai"
    page = await browser.send(**TYPED)
    assert browser.answer.url.path == "/sign-up/sent"
    assert page.lang == "zh-CN"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_offer_every_choice_once_and_nothing_without_a_name(language):
    for groups, most in (
        (choices.country_choices(language), 250),
        (choices.currency_choices(language), 200),
        (choices.time_zone_choices(language), 500),
    ):
        offered = [choice for group in groups for choice in group.choices]
        assert 140 < len({choice.value for choice in offered}) == len(offered) <= most
        assert all(choice.label.strip() for choice in offered)


def test_chinese_names_are_in_the_order_of_their_sound():
    labels = [choice.label for choice in choices.country_choices("zh-CN")[0].choices]
    assert labels.index("阿尔巴尼亚") < labels.index("德国") < labels.index("中国")


@pytest.mark.parametrize("path", ["/sign-up", "/sign-in", "/reset", "/confirm", "/invitation", "/sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(browser, path, headers):
    answer = await browser.http.post(path, data=TYPED, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    async with browser.gateway.services.databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.mail") == 0


async def test_another_site_cannot_sign_one_out(browser):
    await opened(browser)
    answer = await browser.http.post("/sign-out", data={}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    page = await browser.open("/")
    assert "You are signed in as" in page.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"email=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"email=%ff%fe", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(30)), "application/x-www-form-urlencoded"),
        ("email=ж".encode(), "application/x-www-form-urlencoded"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(browser, content, kind):
    answer = await browser.http.post("/sign-in", content=content, headers={"content-type": kind})
    assert answer.status_code == 422
    assert "This form cannot be read." in answer.text


@pytest.mark.parametrize("path", ["/confirm", "/invitation", "/reset"])
async def test_a_dead_link_says_so_and_shows_the_way_on(browser, path):
    page = await browser.open(f"{path}?token=made-up")
    assert browser.answer.status_code == 404
    assert "This link is not valid." in page.text
    assert {"Sign in", "Sign up"} <= set(page.links)


async def test_a_used_link_says_so(browser):
    await opened(browser)
    services = browser.gateway.services
    async with services.databases.control() as control:
        await control.fetch("UPDATE platform.one_time_token SET used_at = used_at - interval '6 minutes'")
    link = await browser.link_in_mail(FULLER.email)
    page = await browser.open(link)
    assert browser.answer.status_code == 410
    assert "This link has been used already." in page.text
    assert page.fields == {}


async def test_a_double_click_lands_in_the_company_both_times(browser):
    await browser.open("/sign-up")
    await browser.send(**TYPED)
    await browser.open(await browser.link_in_mail(FULLER.email))
    form = browser.page
    await browser.send()
    browser.page = form
    page = await browser.send()
    assert "You are signed in as Andrew Fuller" in page.text
    async with browser.gateway.services.databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.company") == 1


@pytest.mark.requirement("T2")
async def test_an_invited_person_chooses_a_password_and_is_in(browser):
    await opened(browser)
    await invite(browser, "nancy@northwind.example")
    browser.http.cookies.clear()
    page = await browser.open(await browser.link_in_mail("nancy@northwind.example"))
    assert "Join Northwind Traders" in page.text
    assert "Choose a password for your account." in page.text
    page = await browser.send(password="short")
    assert page.alerts == ["A password needs at least 10 characters."]
    page = await browser.send(password=SECRET)
    assert "You are signed in as Nancy Davolio" in page.text


async def test_an_invited_person_with_an_account_gives_its_password(browser):
    await opened(browser)
    await browser.send()
    await browser.open("/sign-up")
    await browser.send(
        **{**TYPED, "email": "nancy@northwind.example", "name": "Nancy", "companyName": "Rival"}
    )
    await browser.open(await browser.link_in_mail("nancy@northwind.example"))
    await browser.send()
    await browser.send()
    await browser.open("/sign-in")
    await browser.send(email=FULLER.email, password=PASSWORD)
    await invite(browser, "nancy@northwind.example")
    page = await browser.open(await browser.link_in_mail("nancy@northwind.example"))
    assert "You have an account: give its password." in page.text
    page = await browser.send(password="wrong but long enough")
    assert page.alerts == ["The e-mail address or the password is wrong."]
    page = await browser.send(password=PASSWORD)
    assert "You are signed in as Nancy (nancy@northwind.example)" in page.text
    assert "Northwind Traders" in page.text


INVITE = """
mutation ($email: String!) {
  inviteMember(input: {email: $email, name: "Nancy Davolio", roles: [REPRESENTATIVE], seat: FULL}) {
    member { id } userErrors { code }
  }
}
"""


async def invite(browser, email):
    body = {"query": INVITE, "variables": {"email": email}}
    answer = await browser.http.post("/graphql", json=body)
    assert answer.json()["data"]["inviteMember"]["userErrors"] == []


@pytest.mark.requirement("T5")
async def test_a_forgotten_password_is_replaced_by_the_link(browser):
    await opened(browser)
    await browser.send()
    await browser.open("/reset")
    page = await browser.send(email=FULLER.email)
    assert "Look into your mailbox" in page.text
    link = await browser.link_in_mail(FULLER.email)
    page = await browser.open(link)
    page = await browser.send(password="1234567890")
    assert len(page.alerts) == 1
    page = await browser.send(password=SECRET)
    assert "The password is changed" in page.text
    page = await browser.open(link)
    assert (browser.answer.status_code, page.fields) == (410, {})
    await browser.open("/sign-in")
    page = await browser.send(email=FULLER.email, password=SECRET)
    assert "You are signed in as Andrew Fuller" in page.text


async def test_the_answer_to_a_reset_does_not_tell_who_is_known(browser):
    await opened(browser)
    await browser.send()
    answers = []
    for email in (FULLER.email, "nobody@northwind.example"):
        await browser.open("/reset")
        await browser.send(email=email)
        answers.append((browser.answer.status_code, browser.answer.text))
    assert answers[0] == answers[1]


async def test_pages_load_nothing_run_nothing_and_are_not_kept(browser):
    for path in ("/", "/sign-up", "/sign-in", "/reset", "/mail"):
        await browser.open(path)
        headers = browser.answer.headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script|<img|<link|onclick|javascript:|style=", browser.answer.text)


async def test_the_style_is_the_one_that_the_policy_names(browser):
    import base64
    import hashlib

    await browser.open("/sign-in")
    style = re.search(r"<style>(.*?)</style>", browser.answer.text, re.DOTALL)[1]
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{named}'" in browser.answer.headers["content-security-policy"]
