"""Where a request comes from, as far as signing in has to know it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

# What one customer of a provider has to choose addresses from: one of IPv4, 2^64 of IPv6 (RFC 6177).
_ONES_OWN: Final = {4: 32, 6: 64}
_ROUGHLY: Final = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Browser:
    """``address`` is the client's IP, ``device`` what its cookie says by which it is known here."""

    address: str = ""
    user_agent: str = ""
    device: str | None = None


def network_of(address: str) -> str:
    """What tries are counted under: the address, of IPv6 its /64. What is no address stands for itself."""
    return _network(address, _ONES_OWN) or address


def place_of(address: str) -> str | None:
    """The rough network that is kept of a session's beginning: /24 of IPv4, /48 of IPv6."""
    return _network(address, _ROUGHLY)


def _network(address: str, lengths: dict[int, int]) -> str | None:
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    network = ip_network((found, lengths[found.version]), strict=False)
    return str(network.network_address) if network.num_addresses == 1 else str(network)
