from kedang_platform.errors import KedangError


class UrlRefused(KedangError):
    """The address is none that the product calls: no https, credentials in it, not an address at all."""


class AddressRefused(KedangError):
    """The name leads, or leads also, into a network that is not public."""


class NotReachable(KedangError):
    """Nothing answered in time: no such name, no connection, no valid certificate, no answer."""

    passing = True
