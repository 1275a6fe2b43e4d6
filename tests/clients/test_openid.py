"""Signing in with the certified provider of npm, unchanged, against the running product."""

import time

import httpx
import pytest

from tests.clients.conftest import OWNER
from tests.pages.conftest import Reader

pytestmark = [pytest.mark.clients, pytest.mark.requirement("T5")]
WHO = "{ me { person { email } company { name } } linkedIdentities { provider email } }"


class Browser:
    """Keeps cookies, follows redirects, fills in the form of the page it stands on."""

    def __init__(self, base_url):
        self.http = httpx.Client(base_url=base_url, follow_redirects=True, headers={"accept": "text/html"})
        self.page = self.address = None

    def open(self, path):
        return self._show(self.http.get(path))

    def send(self, **values):
        action = self.address.join(self.page.action)
        return self._show(self.http.post(action, data=self.page.fields | values))

    def ask(self, query):
        return self.http.post("/graphql", json={"query": query}).json()["data"]

    def _show(self, answer):
        assert answer.status_code == httpx.codes.OK, answer.text
        self.page, self.address = Reader(), answer.url
        self.page.feed(answer.text)
        return self.page


@pytest.fixture
def browser(served):
    browser = Browser(served.url)
    deadline = time.monotonic() + 30
    while httpx.get(f"{served.url}/sign-in/with/npm").status_code != httpx.codes.SEE_OTHER:
        assert time.monotonic() < deadline, "the provider did not start"
        time.sleep(0.1)
    yield browser
    browser.http.close()


def test_the_owner_signs_in_with_the_certified_provider(browser):
    page = browser.open("/sign-in")
    browser.open(page.links["Sign in with Npm"])
    name = OWNER.partition("@")[0]
    browser.send(login=name, password="whatever this provider takes")
    browser.send()  # consent
    assert f"You are signed in as Andrew Fuller ({OWNER})." in browser.page.text
    answer = browser.ask(WHO)
    assert answer["me"] == {"person": {"email": OWNER}, "company": {"name": "Northwind Traders"}}
    assert answer["linkedIdentities"] == [{"provider": "Npm", "email": OWNER}]


def test_whom_the_provider_knows_and_nobody_here_stays_outside(browser):
    browser.open("/sign-in/with/npm")
    browser.send(login="nobody", password="whatever")
    answer = browser.http.post(browser.address.join(browser.page.action), data=browser.page.fields)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "No account is linked to this one of Npm." in answer.text
    assert browser.ask("{ identityProviders { name } }") == {"identityProviders": [{"name": "Npm"}]}
