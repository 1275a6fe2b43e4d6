"""A browser without script: keeps cookies, follows redirects, fills in forms as they stand in the page."""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest

from kedang_platform.mail import list_mails
from tests.support.workers import run_jobs


class Reader(HTMLParser):
    """The form of a page with its values, its links and its text."""

    def __init__(self):
        super().__init__()
        self.action, self.fields, self.links, self.text, self.alerts = None, {}, {}, "", []
        self.lang, self.title = None, ""
        self._select = self._href = self._alert = self._in = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._in = tag
        if tag == "html":
            self.lang = given.get("lang")
        if tag == "form":
            self.action = given["action"]
        if tag == "input":
            self.fields[given["name"]] = given.get("value") or ""
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and (self._select not in self.fields or "selected" in given):
            self.fields[self._select] = given["value"]
        if tag == "a":
            self._href = given["href"]
        if given.get("role") == "alert":
            self._alert = True

    def handle_endtag(self, tag):
        if tag == "a":
            self._href = None
        if tag == "p":
            self._alert = None
        self._in = None

    def handle_data(self, data):
        if self._in == "style":
            return
        if self._in == "title":
            self.title += data
        if self._href is not None:
            self.links[data.strip()] = self._href
        if self._alert:
            self.alerts.append(data)
        self.text += data


@dataclass
class Browser:
    http: httpx.AsyncClient
    gateway: object
    page: Reader | None = None
    answer: httpx.Response | None = None

    async def open(self, path, **headers):
        return await self._show(await self.http.get(path, headers=headers))

    async def send(self, *, to=None, **values):
        """Fill in the form of the page and send it, as a browser does."""
        headers = {
            "origin": self.gateway.url,
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        content = urlencode({**self.page.fields, **values})
        return await self._show(
            await self.http.post(to or self.page.action, content=content, headers=headers)
        )

    async def work(self):
        """Let the jobs run that are due."""
        services = self.gateway.services
        settings = services.settings.model_copy(update={"spare_schemas": 0})
        drained = await run_jobs(services.databases, settings=settings)
        assert not drained.failures, drained.failures

    async def link_in_mail(self, email):
        """Where the newest mail to the address leads."""
        await self.work()
        newest = list_mails(self.gateway.services.settings.var / "mail", to=email)[0]
        return re.search(r"https?://[^/]+(/\S+)", newest.text)[1]

    async def _show(self, answer):
        self.answer = answer
        self.page = Reader()
        self.page.feed(answer.text)
        return self.page


@pytest.fixture
async def browser(gateway) -> AsyncIterator[Browser]:
    headers = {"accept-language": "en", "accept": "text/html"}
    shutil.rmtree(gateway.services.settings.var / "mail", ignore_errors=True)
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, follow_redirects=True) as http:
        yield Browser(http, gateway)
