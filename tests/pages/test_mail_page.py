"""The mail page of a machine without a mail server: for who sits at it, and nobody else."""

from dataclasses import replace

import httpx
import pytest

from kedang_platform.settings import Settings
from tests.support.people import FULLER, PASSWORD


@pytest.fixture
async def two_mails(browser):
    for email in (FULLER.email, "nancy@northwind.example"):
        await browser.open("/sign-up")
        await browser.send(companyName="Northwind", name="A & <B>", email=email, password=PASSWORD)
        await browser.work()


async def test_mails_are_listed_the_newest_first_and_shown_with_their_links(browser, two_mails):
    page = await browser.open("/mail")
    assert [label for label in page.links if "Confirm" in label] == [
        "Confirm your e-mail address for Northwind"
    ]
    assert page.text.index("nancy@northwind.example") < page.text.index(FULLER.email)
    page = await browser.open(page.links["Confirm your e-mail address for Northwind"])
    assert "Hello A & <B>," in page.text
    assert any(link.startswith(f"{browser.gateway.url}/confirm?token=") for link in page.links)
    assert '<iframe sandbox title="HTML" src="/mail/' in browser.answer.text


async def test_the_html_of_a_mail_may_only_show_itself(browser, two_mails):
    mails = (await browser.http.get("/mail.json")).json()["mails"]
    answer = await browser.http.get(f"/mail/{mails[0]['id']}/body")
    assert answer.text == mails[0]["html"]
    assert "Hello A &amp; &lt;B&gt;," in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")


async def test_programs_read_the_mails_of_one_address_as_json(browser, two_mails):
    answer = await browser.http.get("/mail.json", params={"to": "Andrew.Fuller@northwind.example"})
    (mail,) = answer.json()["mails"]
    assert mail["to"] == FULLER.email
    assert mail["from"] == "Kedang <no-reply@kedang.example>"
    assert mail["subject"] == "Confirm your e-mail address for Northwind"
    assert mail["links"][0].startswith(f"{browser.gateway.url}/confirm?token=")
    assert mail["messageId"].endswith("@kedang.example>")
    assert (await browser.http.get("/mail.json?to=nobody@x.example")).json() == {"mails": []}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "crm.northwind.example"},
        {"host": "192.0.2.1"},
        {"host": "127.0.0.1.evil.example"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"x-forwarded-host": "localhost"},
    ],
)
@pytest.mark.parametrize("path", ["/mail", "/mail.json", "/mail/{id}", "/mail/{id}/body"])
async def test_through_a_proxy_or_another_name_there_is_no_mail_page(browser, two_mails, headers, path):
    mails = (await browser.http.get("/mail.json")).json()["mails"]
    answer = await browser.http.get(path.format(id=mails[0]["id"]), headers=headers)
    assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_from_another_machine_there_is_no_mail_page(browser, two_mails, gateway):
    from kedang_graphql.app import create_app

    app = create_app(gateway.services.settings, gateway.services)
    app.state.services = gateway.services
    for client, status in ((("203.0.113.9", 4711), 404), (("127.0.0.1", 4711), 200), (("::1", 4711), 200)):
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8400") as http:
            assert (await http.get("/mail.json")).status_code == status, client


async def test_with_a_mail_server_there_is_no_mail_page(browser, two_mails, gateway):
    from kedang_graphql.app import create_app

    given = gateway.services.settings
    settings = Settings(**given.model_dump(exclude_unset=True) | {"smtp_url": "smtp://mail.example"})
    app = create_app(settings, replace(gateway.services, settings=settings))
    app.state.services = replace(gateway.services, settings=settings)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8400") as http:
        assert (await http.get("/mail.json")).status_code == 404
        assert (await http.get("/sign-in")).status_code == 200


@pytest.mark.parametrize("mail_id", ["nothing", "..", "%2e%2e", "a%00b", "..%2fsecret"])
async def test_an_unknown_mail_is_not_found(browser, mail_id):
    assert (await browser.http.get(f"/mail/{mail_id}/body")).status_code == 404
