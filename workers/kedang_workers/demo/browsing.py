"""Customers with a real browser: Chromium, driven by Playwright, where the machine has both."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from kedang_workers.demo.pages import SEND, PlainForms
from kedang_workers.demo.story import Reply

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
# Nothing but what the page asks for leaves the browser.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS: Final = 20_000

Echo = Callable[[str], None]


class NoBrowser(Exception):
    """There is no browser that can be driven, or it failed; the text says why."""


class Customers:
    """The customers of the story: with a browser as long as there is one, else by plain forms."""

    def __init__(self, base_url: str, browser: InChromium | None) -> None:
        self._forms = PlainForms(base_url)
        self._browser = browser

    def answer(self, path: str, reply: Reply, echo: Echo) -> str:
        """Answer, and return by which way; a browser that fails is given up, and the form goes on where it was."""
        if self._browser is not None:
            try:
                self._browser.answer(path, reply)
            except NoBrowser as error:
                echo(f"The browser fails: {error}")
                self._browser = None
            else:
                return "in Chromium"
        self._forms.answer(path, reply)
        return "by the plain form, without a browser"


@contextmanager
def customers(base_url: str, echo: Echo) -> Iterator[Customers]:
    """Customers who can answer; says so where they have no browser."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(_chromium(base_url))
        except NoBrowser as error:
            echo(f"The customers have no browser: {error}")
            browser = None
        yield Customers(base_url, browser)


@contextmanager
def _chromium(base_url: str) -> Iterator[InChromium]:
    """A running browser with a fresh profile; raises NoBrowser."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NoBrowser("there is no Chromium on this machine")
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NoBrowser("Playwright is not installed") from None
    with ExitStack() as stack:
        try:
            profile = stack.enter_context(
                TemporaryDirectory(prefix="kedang-browser-", ignore_cleanup_errors=True)
            )
            playwright = stack.enter_context(sync_playwright())
            context = playwright.chromium.launch_persistent_context(
                profile,
                executable_path=program,
                args=list(FLAGS),
                viewport={"width": 360, "height": 740},
                locale="en",
            )
        except (Error, OSError) as error:
            raise NoBrowser(f"Chromium did not start ({_first_line(error)})") from None
        try:
            yield InChromium(base_url, context)
        finally:
            _close(context)


def _close(context: BrowserContext) -> None:
    """End the browser, also one that has ended by itself."""
    from playwright.sync_api import Error

    with suppress(Error):
        context.close()


class InChromium:
    """A customer with a telephone in hand; each answer is given on a page of its own."""

    def __init__(self, base_url: str, context: BrowserContext) -> None:
        self._base_url = base_url
        self._context = context
        context.set_default_timeout(_PATIENCE_MS)

    def answer(self, path: str, reply: Reply) -> None:
        """Open the page of a link, fill it in and hand it in; one that was answered before is left as it is.

        Raises NoBrowser when the page does not come so far.
        """
        from playwright.sync_api import Error

        try:
            page = self._context.new_page()
            page.goto(urljoin(self._base_url, path))
            if page.locator("form").count():
                _fill_in(page, reply)
                page.get_by_role("button", name=SEND, exact=True).click()
                page.locator("main:not(form main)").wait_for()
            page.close()
        except Error as error:
            raise NoBrowser(_first_line(error)) from None


def _fill_in(page: Page, reply: Reply) -> None:
    """Tap what the customer chooses, question by question, as the page shows them."""
    for group in page.locator("fieldset").all():
        question = group.locator("legend").inner_text().strip()
        labels = group.locator("label").all()
        offered = {label.inner_text().strip(): label for label in labels}
        if picked := reply.choice(question, frozenset(offered)):
            offered[picked].click()
        if question in reply.comments:
            _comment(group, reply.comments[question])
    for question, words in reply.words.items():
        page.get_by_label(question, exact=True).fill(words)


def _comment(group: Locator, words: str) -> None:
    group.locator("summary").click()
    group.locator("textarea").fill(words)


def _first_line(error: Exception) -> str:
    return re.split(r"[\r\n]", str(error).strip(), maxsplit=1)[0]
