"""A page as a browser without script takes it: its form is read, filled in by what it shows, and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

import httpx

from kedang_workers.demo.client import Unexpected
from kedang_workers.demo.story import Reply

SEND = "Send the answers"
"""What the button says that hands the answers in."""


@dataclass(slots=True)
class Control:
    """A field or button of a form. ``group`` is the legend that it stands under, ``label`` its own text."""

    tag: str
    kind: str
    name: str
    value: str
    group: str
    label: str = ""
    id: str = ""
    chosen: bool = False


@dataclass(slots=True)
class Shown:
    """What a page shows: its heading, its form if it has one, and all of its text."""

    heading: str = ""
    text: str = ""
    action: str | None = None
    controls: list[Control] = field(default_factory=list)


def read_page(html: str) -> Shown:
    """The page with its form; labels are those that a reader sees or a screen reader says."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    for control in reader.page.controls:
        control.label = control.label or reader.labels.get(control.id, "")
    return reader.page


class _Reader(HTMLParser):
    """Gathers controls with the texts around them."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Shown()
        self.labels: dict[str, str] = {}
        self._groups: list[str] = []
        self._label_of: str | None = None
        self._labelled: list[Control] = []
        self._said: str | None = None
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.page.action = given.get("action", "")
        elif tag == "fieldset":
            self._groups.append("")
        elif tag == "label":
            self._label_of, self._labelled = given.get("for"), []
            self._said = ""
        elif tag in {"legend", "h1", "button"}:
            self._said = ""
        elif tag in {"small", "style", "script"}:
            self._skipped += 1
        if tag in {"input", "textarea", "button"}:
            self._control(tag, given, chosen="checked" in dict(attrs))

    def _control(self, tag: str, given: Mapping[str, str], *, chosen: bool) -> None:
        control = Control(
            tag=tag,
            kind=given.get("type", "submit" if tag == "button" else "text"),
            name=given.get("name", ""),
            value=given.get("value", ""),
            group=self._groups[-1] if self._groups else "",
            label=given.get("aria-label", ""),
            id=given.get("id", ""),
            chosen=chosen,
        )
        self.page.controls.append(control)
        self._labelled.append(control)

    def handle_endtag(self, tag: str) -> None:
        said = (self._said or "").strip()
        if tag == "fieldset":
            self._groups.pop()
        elif tag == "legend" and self._groups:
            self._groups[-1] = said
        elif tag == "h1":
            self.page.heading = said
        elif tag == "button":
            self.page.controls[-1].label = said
        elif tag == "label":
            if self._label_of:
                self.labels[self._label_of] = said
            for control in self._labelled:
                control.label = said
        elif tag in {"small", "style", "script"}:
            self._skipped -= 1
        if tag in {"legend", "h1", "button", "label"}:
            self._said, self._labelled = None, []

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        self.page.text += data
        if self._said is not None:
            self._said += data


def fill_in(page: Shown, reply: Reply) -> dict[str, str]:
    """What the form sends when this customer has filled it in and presses the button that hands it in."""
    sent = {control.name: control.value for control in page.controls if control.kind == "hidden"}
    for control in page.controls:
        if control.kind == "radio":
            if control.label == reply.choice(control.group, _offered(page, control.group)):
                sent[control.name] = control.value
        elif control.tag == "textarea" and control.group:
            sent[control.name] = reply.comments.get(control.group, "")
        elif control.tag == "textarea":
            sent[control.name] = reply.words.get(control.label, "")
    button = next((one for one in page.controls if one.tag == "button" and one.label == SEND), None)
    if button is None:
        raise Unexpected(f"the page “{page.heading}” has no button “{SEND}”")
    return sent | {button.name: button.value}


def _offered(page: Shown, group: str) -> frozenset[str]:
    return frozenset(one.label for one in page.controls if one.kind == "radio" and one.group == group)


@dataclass(frozen=True, slots=True)
class PlainForms:
    """Customers whose browsers run no script."""

    base_url: str

    def answer(self, path: str, reply: Reply) -> None:
        """Open the page of a link and answer; a page that was answered before is left as it is."""
        with httpx.Client(base_url=self.base_url, follow_redirects=True, timeout=60.0) as http:
            page = read_page(http.get(path).text)
            if page.action is None:
                return
            headers = {"origin": self.base_url, "content-type": "application/x-www-form-urlencoded"}
            answer = http.post(
                urljoin(path, page.action), content=urlencode(fill_in(page, reply)), headers=headers
            )
        thanks = read_page(answer.text)
        if answer.is_server_error or thanks.action is not None:
            raise Unexpected(f"{answer.status_code}: the answers were not taken: {thanks.text.strip()[:500]}")
