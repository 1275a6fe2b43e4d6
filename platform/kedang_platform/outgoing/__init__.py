"""The one way by which the product calls addresses that its users name (webhooks): never into a private network."""

from kedang_platform.outgoing.addresses import AllowedNetworks, is_public
from kedang_platform.outgoing.client import Answer, Limits, OutgoingClient, Resolver
from kedang_platform.outgoing.errors import AddressRefused, NotReachable, UrlRefused
from kedang_platform.outgoing.retry_after import wait_of
from kedang_platform.outgoing.urls import check_url

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
    "wait_of",
]
