"""What can go wrong between us and a provider, as whoever signs in is told it."""

from __future__ import annotations

from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import msg


class ProviderUnknown(NotFound):
    """No provider of this installation has this key."""

    def __init__(self) -> None:
        super().__init__(msg("Nobody can sign in this way here."))


class ProviderUnreachable(KedangError):
    """The provider does not answer, or not as OpenID Connect says."""

    def __init__(self, *, provider: str) -> None:
        super().__init__(
            msg("{provider} does not answer. Please try again, or sign in with your password."),
            provider=provider,
        )


class SignInCalledOff(KedangError):
    """The provider sent the person back without a proof: they declined, or it refused them."""

    def __init__(self, *, provider: str) -> None:
        super().__init__(msg("{provider} has not signed you in."), provider=provider)


class AttemptUnknown(KedangError):
    """What came back belongs to no sign-in that this browser has begun in the last ten minutes."""

    def __init__(self) -> None:
        super().__init__(msg("This sign-in has expired or was begun in another browser. Please begin anew."))


class ProofInvalid(KedangError):
    """The provider's token does not prove what it should; nothing was changed."""

    def __init__(self, *, provider: str) -> None:
        super().__init__(msg("What {provider} sent proves nothing. Please begin anew."), provider=provider)


class IdentityNotLinked(KedangError):
    """The identity is nobody's here, and its address alone is no proof."""

    def __init__(self, *, provider: str) -> None:
        super().__init__(
            msg(
                "No account is linked to this one of {provider}. Sign in with your password and link it there."
            ),
            provider=provider,
        )


class IdentityTaken(KedangError):
    """The identity belongs to another person of this installation."""

    def __init__(self, *, provider: str) -> None:
        super().__init__(msg("This account of {provider} is linked to somebody else."), provider=provider)
