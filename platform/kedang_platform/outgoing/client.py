"""Calling an address that a user has named: looked up once, checked, and called at what was checked.

The connection goes to the very address that passed (the name stays in ``Host`` and in the certificate's
check), so a name that answers differently the second time gains nothing. Nothing is followed, nothing of
the environment (proxies, netrc) is used, and no connection is kept, as the next may be another name's.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address
from time import monotonic
from typing import Final, TypeAlias

import httpx

from kedang_platform.i18n import msg
from kedang_platform.outgoing.addresses import Address, AllowedNetworks, is_public, parsed
from kedang_platform.outgoing.errors import AddressRefused, NotReachable, UrlRefused

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a name; raises OSError where there are none."""

_PORTS: Final = {"https": 443, "http": 80}
_LONGEST_URL: Final = 2000
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,253}")


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` for everything together, name and TLS included; ``answer_bytes`` that are read of an answer."""

    seconds: float = 15.0
    answer_bytes: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, redirects too; the beginning of the body; how long it took."""

    status: int
    body: bytes
    milliseconds: int


class OutgoingClient:
    """POSTs to public https addresses, and to what the operator allows; keeps nothing open between calls."""

    def __init__(
        self,
        *,
        allowed: AllowedNetworks,
        limits: Limits | None = None,
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._limits = limits or Limits()
        self._resolve = resolve or _look_up
        self._tls = tls

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What answers at ``url``. Raises UrlRefused, AddressRefused, NotReachable; nothing was sent then,
        but with NotReachable, where it may have been.
        """
        target = check_url(url, self._allowed)
        started = monotonic()
        try:
            async with asyncio.timeout(self._limits.seconds):
                address = await self._address_of(target)
                status, answered = await self._call(target, address, body, headers)
        except TimeoutError as error:
            raise NotReachable(msg("Nothing answered in time.")) from error
        except (httpx.TransportError, ssl.SSLError, OSError) as error:
            raise NotReachable(msg("The address could not be reached.")) from error
        return Answer(status, answered, round((monotonic() - started) * 1000))

    async def _address_of(self, target: httpx.URL) -> Address:
        """The first of the name's addresses, where each of them may be called."""
        host, port = _host(target), target.port or _PORTS[target.scheme]
        try:
            found = [parsed(text) for text in await self._resolve(host, port)]
        except (OSError, UnicodeError) as error:
            raise NotReachable(msg("There is no such name.")) from error
        if not found:
            raise NotReachable(msg("There is no such name."))
        for address in found:
            _check_address(address, target.scheme, self._allowed)
        return found[0]

    async def _call(
        self, target: httpx.URL, address: Address, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        fixed = {
            "host": target.netloc.decode("ascii"),
            "accept-encoding": "identity",
            "connection": "close",
        }
        async with (
            httpx.AsyncClient(
                verify=self._tls or _public_authorities(),
                follow_redirects=False,
                trust_env=False,
                timeout=self._limits.seconds,
            ) as http,
            http.stream(
                "POST",
                target.copy_with(host=str(address)),
                content=body,
                headers={**headers, **fixed},
                extensions={"sni_hostname": _host(target)},
            ) as answer,
        ):
            return answer.status_code, await self._beginning(answer)

    async def _beginning(self, answer: httpx.Response) -> bytes:
        """At most ``answer_bytes`` of the body, as it came: nothing is unpacked."""
        read = bytearray()
        async for chunk in answer.aiter_raw():
            read += chunk
            if len(read) >= self._limits.answer_bytes:
                break
        return bytes(read[: self._limits.answer_bytes])


def check_url(url: str, allowed: AllowedNetworks) -> httpx.URL:
    """The address taken apart, with all that can be said without asking for its name.

    Raises UrlRefused and, where the host is an address already, AddressRefused. Plain http passes only
    where the operator allows networks at all; whether the name leads into them is seen at the call.
    """
    target = _taken_apart(url)
    if target.scheme == "http" and not allowed.networks:
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    try:
        address = parsed(_host(target))
    except ValueError:
        return target
    _check_address(address, target.scheme, allowed)
    return target


def _taken_apart(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
        host = _host(target)
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise UrlRefused(msg("This is not an address that can be called.")) from error
    if len(url) > _LONGEST_URL or not _HOST.fullmatch(host) or target.fragment or target.port == 0:
        raise UrlRefused(msg("This is not an address that can be called."))
    if target.scheme not in _PORTS:
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    if target.userinfo:
        raise UrlRefused(msg("An address to be called carries no name and no password."))
    return target


def _check_address(address: Address, scheme: str, allowed: AllowedNetworks) -> None:
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise AddressRefused(msg("This address is not one of the public Internet."))
    if address in allowed:
        return
    if scheme != "https":
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    if not is_public(address):
        raise AddressRefused(msg("This address is not one of the public Internet."))


def _host(target: httpx.URL) -> str:
    return target.raw_host.decode("ascii")


@cache
def _public_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


async def _look_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
