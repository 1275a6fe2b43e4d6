"""The one way by which the product calls addresses that its users name (webhooks): never into a private network."""

from kedang_platform.outgoing.addresses import AllowedNetworks, is_public
from kedang_platform.outgoing.client import Answer, Limits, OutgoingClient, Resolver, check_url
from kedang_platform.outgoing.errors import AddressRefused, NotReachable, UrlRefused

__all__ = [
    "AddressRefused",
    "AllowedNetworks",
    "Answer",
    "Limits",
    "NotReachable",
    "OutgoingClient",
    "Resolver",
    "UrlRefused",
    "check_url",
    "is_public",
]
