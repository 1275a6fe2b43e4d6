"""To a provider and back by the pages, as a browser without script goes (T5)."""

import re

import httpx
import pytest

from kedang_platform.mail import list_mails
from kedang_platform.settings import OpenIdProvider
from tests.pages.conftest import Browser
from tests.support.gateway import UNLIMITED, serve
from tests.support.openid_provider import CLIENT, SECRET, running_provider

pytestmark = pytest.mark.requirement("T5")
FULLER = "andrew.fuller@northwind.example"
PASSWORD = "vier Pferde im Regen"


@pytest.fixture(scope="module")
async def acme():
    async with running_provider() as provider:
        yield provider


@pytest.fixture
async def surfer(databases, database_settings, tmp_path, acme):
    """A browser before a gateway whose people may sign in with Acme."""
    given = OpenIdProvider(key="acme", name="Acme", issuer=acme.url, client_id=CLIENT, client_secret=SECRET)
    acme.account = {"sub": "fuller-1", "email": FULLER, "email_verified": True}
    own = {
        "var": tmp_path,
        "openid_providers": (given,),
        "cost_points": UNLIMITED,
        "cost_points_per_second": UNLIMITED,
    }
    headers = {"accept-language": "en", "accept": "text/html"}
    async with (
        serve(databases, database_settings, **own) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=headers, follow_redirects=True) as http,
    ):
        yield Browser(http, gateway)


async def sign_up(browser):
    await browser.open("/sign-up")
    await browser.send(companyName="Northwind", name="Andrew Fuller", email=FULLER, password=PASSWORD)
    await browser.open(await browser.link_in_mail(FULLER))
    await browser.send()
    assert f"Andrew Fuller ({FULLER})" in browser.page.text


async def sent_back(address):
    """Where the provider sends a browser on to."""
    async with httpx.AsyncClient() as http:
        return (await http.get(address)).headers["location"]


async def test_the_sign_in_page_leads_to_the_provider_and_back_into_the_company(surfer):
    await sign_up(surfer)
    surfer.http.cookies.clear()
    page = await surfer.open("/sign-in")
    await surfer.open(page.links["Sign in with Acme"])
    assert surfer.answer.url.path == "/"
    assert f"You are signed in as Andrew Fuller ({FULLER})." in surfer.page.text
    assert "kedang-openid" not in surfer.http.cookies
    await surfer.work()
    subjects = [mail.subject for mail in list_mails(surfer.gateway.services.settings.var / "mail", to=FULLER)]
    assert "You can now sign in with Acme" in subjects


async def test_the_browser_that_did_not_begin_gets_no_session(surfer):
    await sign_up(surfer)
    surfer.http.cookies.clear()
    left = await surfer.http.get("/sign-in/with/acme", follow_redirects=False)
    cookie = left.headers["set-cookie"]
    assert re.fullmatch(r"kedang-openid=[\w-]{43}; HttpOnly; Max-Age=600; Path=/; SameSite=lax", cookie), (
        cookie
    )
    back = await sent_back(left.headers["location"])
    surfer.http.cookies.clear()
    await surfer.open(back)
    assert surfer.answer.status_code == 422
    assert "begun in another browser" in surfer.page.text
    assert "kedang" not in surfer.http.cookies


async def test_a_provider_that_refuses_is_told_in_the_readers_language(surfer):
    for language, text in (("en", "Acme has not signed you in."), ("zh-CN", "Acme 未允许您登录。")):
        left = await surfer.http.get("/sign-in/with/acme", follow_redirects=False)
        state = re.search(r"state=([\w-]+)", left.headers["location"])[1]
        issuer = left.headers["location"].partition("/authorize")[0]
        query = {"error": "access_denied", "state": state, "iss": issuer, "lang": language}
        answer = await surfer.http.get("/sign-in/with/acme/back", params=query)
        assert (answer.status_code, text in answer.text) == (422, True)


async def test_an_account_is_linked_by_who_is_signed_in(surfer, acme):
    await sign_up(surfer)
    acme.account = {"sub": "private", "email": "fuller@private.example", "email_verified": True}
    page = await surfer.open("/")
    await surfer.open(page.links["Link my account of Acme"])
    assert "From now on your account of Acme signs you in." in surfer.page.text
    surfer.http.cookies.clear()
    await surfer.open("/sign-in/with/acme")
    assert f"You are signed in as Andrew Fuller ({FULLER})." in surfer.page.text
    asked = {"query": "{ linkedIdentities { id provider email } }"}
    (linked,) = (await surfer.http.post("/graphql", json=asked)).json()["data"]["linkedIdentities"]
    assert (linked["provider"], linked["email"]) == ("Acme", "fuller@private.example")
    mutation = (
        f'mutation {{ unlinkIdentity(input: {{id: "{linked["id"]}"}}) {{ done userErrors {{ code }} }} }}'
    )
    assert (await surfer.http.post("/graphql", json={"query": mutation})).json()["data"][
        "unlinkIdentity"
    ] == {
        "done": True,
        "userErrors": [],
    }
    assert (await surfer.http.post("/graphql", json=asked)).json()["data"]["linkedIdentities"] == []


async def test_nobody_who_is_not_signed_in_links_anything(surfer):
    await surfer.open("/account/link/acme")
    assert surfer.answer.url.path == "/sign-in"
    await surfer.open("/sign-in/with/nobody")
    assert surfer.answer.status_code == 422
    assert "Nobody can sign in this way here." in surfer.page.text


async def test_another_site_does_not_have_an_account_linked(surfer):
    await sign_up(surfer)
    foreign = {"sec-fetch-site": "cross-site"}
    answer = await surfer.http.get("/account/link/acme", headers=foreign, follow_redirects=False)
    assert (answer.status_code, "kedang-openid" in surfer.http.cookies) == (403, False)


async def test_who_has_signed_out_meanwhile_links_nothing(surfer, acme):
    await sign_up(surfer)
    left = await surfer.http.get("/account/link/acme", follow_redirects=False)
    await surfer.open("/")
    await surfer.send()  # signs out
    acme.account = {"sub": "somebody else", "email": "next@desk.example", "email_verified": True}
    await surfer.open(left.headers["location"])
    assert surfer.answer.status_code == 422
    assert "kedang" not in surfer.http.cookies
    async with surfer.gateway.services.databases.control_read() as read:
        assert await read.fetchval("SELECT count(*) FROM platform.openid_identity") == 0


async def test_a_parameter_given_twice_is_not_read(surfer):
    left = await surfer.http.get("/sign-in/with/acme", follow_redirects=False)
    back = await sent_back(left.headers["location"])
    state = re.search(r"state=[\w-]+", back)[0]
    await surfer.open(f"{back}&{state}")
    assert surfer.answer.status_code == 422
    assert "begun in another browser" in surfer.page.text
