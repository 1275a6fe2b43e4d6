"""Which addresses are public, and which others the operator allows (IANA special-purpose registries, RFC 6890)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_NEVER: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); one cloud's metadata lies in it
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata on an address that looks public
        "169.254.0.0/16",  # link-local, the other clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NEVER_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols, Teredo among them, which carries an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet's, reached as itself and not as another's disguise."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NEVER_6)


@dataclass(frozen=True, slots=True)
class AllowedNetworks:
    """Networks that are not public, or called without TLS, and allowed by the operator all the same."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str | None) -> AllowedNetworks:
        """From networks in CIDR notation, separated by commas; raises ValueError for anything else."""
        return cls(tuple(ip_network(part.strip()) for part in (text or "").split(",") if part.strip()))

    def __contains__(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)


def parsed(text: str) -> Address:
    """The address behind ``text``; an IPv4 address that is mapped into IPv6 is that IPv4 address."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
