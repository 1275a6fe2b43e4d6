"""Calling an address that a user has named: looked up once, checked, and called at what was checked.

The connection goes to the very address that passed (the name stays in ``Host`` and in the certificate's
check), so a name that answers differently the second time gains nothing. Nothing is followed, nothing of
the environment (proxies, netrc) is used, and no connection is kept, as the next may be another name's.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Final, TypeAlias

import httpx

from kedang_platform.i18n import msg
from kedang_platform.outgoing.addresses import Address, AllowedNetworks, parsed
from kedang_platform.outgoing.errors import NotReachable
from kedang_platform.outgoing.exchange import Head, NoHttp, connect, exchange, request_of
from kedang_platform.outgoing.urls import check_address, check_url, host_of, port_of

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a name; raises OSError where there are none."""

_LOOKUPS: Final = 8
"""Names that are asked for at the same time, in threads of their own: a name whose servers never answer holds
one for up to half a minute, whoever waited for it, and must not hold those that everything else shares."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` for everything together, name and TLS included; for a connection; how many addresses are tried."""

    seconds: float = 15.0
    connect_seconds: float = 5.0
    addresses: int = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, redirects too; ``Retry-After`` as it stood there; how long it took."""

    status: int
    milliseconds: int
    retry_after: str | None = None


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
        host = target.netloc
        request = request_of(target=target.raw_path, host=host, headers=headers, body=body)
        try:
            async with asyncio.timeout(self._limits.seconds):
                head = await self._call(target, await self._addresses_of(target), request)
        except TimeoutError as error:
            raise NotReachable(msg("Nothing answered in time.")) from error
        except NoHttp as error:
            raise NotReachable(msg("What came back is no answer of a web server.")) from error
        except OSError as error:
            raise NotReachable(msg("The address could not be reached.")) from error
        return Answer(head.status, round((monotonic() - started) * 1000), head.retry_after)

    async def _addresses_of(self, target: httpx.URL) -> list[Address]:
        """The name's addresses, where each of them may be called."""
        try:
            found = [parsed(text) for text in await self._resolve(host_of(target), port_of(target))]
        except (OSError, UnicodeError) as error:
            raise NotReachable(msg("There is no such name.")) from error
        if not found:
            raise NotReachable(msg("There is no such name."))
        for address in found:
            check_address(address, target.scheme, self._allowed)
        return list(dict.fromkeys(found))[: self._limits.addresses]

    async def _call(self, target: httpx.URL, addresses: Sequence[Address], request: bytes) -> Head:
        """The answer of the first address that takes the connection; what was sent once is not sent to another."""
        tls = (self._tls or _public_authorities()) if target.scheme == "https" else None
        for address in addresses:
            try:
                async with asyncio.timeout(self._limits.connect_seconds):
                    name = host_of(target)
                    reader, writer = await connect(str(address), port_of(target), tls=tls, name=name)
            except OSError:  # TimeoutError is one
                if address == addresses[-1]:
                    raise
                continue
            try:
                return await exchange(reader, writer, request)
            finally:
                # Not closed in good form: whoever holds the other end may never take leave.
                writer.transport.abort()
        raise AssertionError("a name has at least one address")


@cache
def _public_authorities() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


@cache
def _threads_for_names() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="names")


async def _look_up(host: str, port: int) -> list[str]:
    return await asyncio.get_running_loop().run_in_executor(_threads_for_names(), _ask, host, port)


def _ask(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
