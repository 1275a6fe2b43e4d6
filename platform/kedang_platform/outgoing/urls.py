"""What can be said of an address without asking for its name: whether it is one that may be called at all."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import httpx

from kedang_platform.i18n import msg
from kedang_platform.outgoing.addresses import Address, AllowedNetworks, is_public, parsed
from kedang_platform.outgoing.errors import AddressRefused, UrlRefused

PORTS: Final = {"https": 443, "http": 80}
_LONGEST_URL: Final = 2000
_LONGEST_HOST: Final = 253
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# Whatever ends in a number is an IPv4 address to some (127.1, 0x7f.1, 2130706433), so it is one or is refused.
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_USERINFO: Final = re.compile(r"[^:/?#]+://[^/?#]*@")
_LOOPBACKS: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def check_url(url: str, allowed: AllowedNetworks) -> httpx.URL:
    """The address taken apart, with all that can be said without asking for its name.

    Raises UrlRefused and, where the host is an address already or a name of this machine (RFC 6761),
    AddressRefused. Plain http and names of one word pass only where the operator allows networks at all;
    whether the name leads into them is seen at the call.
    """
    target = _taken_apart(url)
    if target.scheme == "http" and not allowed.networks:
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    host = host_of(target)
    try:
        address = parsed(host)
    except ValueError:
        _check_name(host.lower().split("."), allowed)
        return target
    check_address(address, target.scheme, allowed)
    return target


def check_address(address: Address, scheme: str, allowed: AllowedNetworks) -> None:
    """Raise AddressRefused for an address that is not public, UrlRefused for one not allowed without TLS."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise AddressRefused(msg("This address is not one of the public Internet."))
    if address in allowed:
        return
    if scheme != "https":
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    if not is_public(address):
        raise AddressRefused(msg("This address is not one of the public Internet."))


def host_of(target: httpx.URL) -> str:
    """The host as it is asked for: ASCII, an IPv6 address without brackets."""
    return target.raw_host.decode("ascii")


def port_of(target: httpx.URL) -> int:
    return PORTS[target.scheme] if target.port is None else target.port


def _taken_apart(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url)
        host = host_of(target)
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise UrlRefused(msg("This is not an address that can be called.")) from error
    if not host or len(url) > _LONGEST_URL or target.fragment:
        raise UrlRefused(msg("This is not an address that can be called."))
    if target.scheme not in PORTS:
        raise UrlRefused(msg("Only addresses that begin with https:// can be called."))
    if _USERINFO.match(url):
        raise UrlRefused(msg("An address to be called carries no name and no password."))
    if not 0 < port_of(target) <= 65_535:
        raise UrlRefused(msg("This is not an address that can be called."))
    return target


def _check_name(labels: list[str], allowed: AllowedNetworks) -> None:
    if labels[-1] == "localhost" and not any(address in allowed for address in _LOOPBACKS):
        raise AddressRefused(msg("This address is not one of the public Internet."))
    known = all(_LABEL.fullmatch(label) for label in labels) and not _NUMBER.fullmatch(labels[-1])
    if not known or len(".".join(labels)) > _LONGEST_HOST or (len(labels) == 1 and not allowed.networks):
        raise UrlRefused(msg("This is not an address that can be called."))
