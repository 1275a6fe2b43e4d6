"""A small integrator: GraphQL over HTTP, files, and the mail page of this machine."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

_TOKEN = re.compile(r"token=([\w-]+)")
PATIENCE_SECONDS = 300.0
THROTTLED = 429


class Unexpected(RuntimeError):
    """The installation answered something else than the demonstration needs."""


class Api:
    """Speaks to one installation; ``key`` is the API key that it signs requests with."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        self.base_url = base_url
        self._http = httpx.Client(base_url=base_url, timeout=60.0)
        self.key = key

    def close(self) -> None:
        self._http.close()

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer; raises Unexpected for any error in it."""
        headers = {
            "accept": "application/graphql-response+json",
            "origin": str(self._http.base_url).rstrip("/"),
        }
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        asked = {"query": query, "variables": variables}
        while (answer := self._http.post("/graphql", json=asked, headers=headers)).status_code == THROTTLED:
            time.sleep(float(answer.headers["retry-after"]))
        body = answer.json()
        if body.get("errors"):
            raise Unexpected(f"{answer.status_code}: {body['errors']}")
        return body["data"]

    def change(self, mutation: str, **variables: Any) -> Any:
        """The payload of a request with one change; raises Unexpected when it was refused."""
        (payload,) = self.ask(mutation, **variables).values()
        if payload["userErrors"]:
            raise Unexpected(payload["userErrors"])
        return payload

    def try_change(self, mutation: str, **variables: Any) -> tuple[Any, list[Mapping[str, Any]]]:
        """The payload of a request with one change, and why it was refused."""
        (payload,) = self.ask(mutation, **variables).values()
        return payload, payload["userErrors"]

    def send_file(self, address: str, content: bytes) -> None:
        self._http.put(address, content=content).raise_for_status()

    def fetch_file(self, address: str) -> bytes:
        return self._http.get(address).raise_for_status().content

    def open_page(self, path: str) -> tuple[int, str]:
        """The status and the HTML of a page, as somebody without a session sees it."""
        answer = self._http.get(path, headers={"accept": "text/html", "accept-language": "en"})
        return answer.status_code, answer.text

    def mails_to(self, address: str) -> list[Mapping[str, Any]]:
        """The mails of the mail page, the newest first."""
        found: list[Mapping[str, Any]] = (
            self._http.get("/mail.json", params={"to": address}).raise_for_status().json()["mails"]
        )
        return found

    def token_mailed_to(self, address: str, *, unlike: str | None = None) -> str:
        """The token in the newest mail to an address, once there is one other than ``unlike``."""

        def newest() -> str | None:
            for mail in self.mails_to(address):
                if found := _TOKEN.search(mail["text"]):
                    return None if found[1] == unlike else found[1]
            return None

        return str(wait_for(newest, what=f"a mail to {address}"))


def wait_for(look: Callable[[], Any], *, what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """What ``look`` finds, asked again until it finds something; raises Unexpected after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise Unexpected(f"waited {seconds:.0f} seconds in vain for {what}")
