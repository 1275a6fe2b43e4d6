"""Asking a service whether a password is known from a breach, without telling it the password (k-anonymity).

The service gets the first five of the forty digits of the SHA-1 and answers with the ends of all breached ones
that begin so (the range API of Have I Been Pwned). Its address is the operator's; without one nobody is asked.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

import httpx
import structlog

from kedang_platform.identity.errors import PasswordBreached
from kedang_platform.identity.passwords import normal
from kedang_platform.settings import Settings

_TOLD: Final = 5
_SECONDS: Final = 2.0
_LARGEST: Final = 512 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Breaches:
    """A service of breached passwords, or none."""

    url: str | None

    @classmethod
    def of(cls, settings: Settings) -> Breaches:
        return cls(settings.password_range_url)

    async def check(self, password: str) -> None:
        """Raise ``PasswordBreached`` for a breached one. A service that does not answer in 2 seconds refuses nobody."""
        if self.url is None:
            return
        digits = hashlib.sha1(normal(password).encode(), usedforsecurity=False).hexdigest().upper()
        try:
            async with asyncio.timeout(_SECONDS):
                told = await _ask(f"{self.url.rstrip('/')}/{digits[:_TOLD]}")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            log.warning("password_range.not_asked", error=type(error).__name__)
            return
        if _tells_of(told, digits[_TOLD:]):
            raise PasswordBreached


async def _ask(url: str) -> str:
    """The body of the answer; nothing of the environment is used and no redirect is followed."""
    async with (
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS) as client,
        client.stream("GET", url, headers={"Add-Padding": "true"}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise ValueError(answer.status_code)
        body = b""
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST:
                raise ValueError("too long")
        return body.decode("ascii")


def _tells_of(told: str, rest: str) -> bool:
    """Whether the line of this ending has a count; those with 0 pad the answer."""
    for line in told.splitlines():
        ending, _, count = line.strip().partition(":")
        if ending.upper() == rest:
            return count.strip().isdigit() and int(count) > 0
    return False
