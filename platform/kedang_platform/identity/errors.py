"""What can go wrong with people, passwords, links and keys, as whoever asked is told it."""

from __future__ import annotations

from kedang_platform.errors import BadUserInput, KedangError, Unauthenticated
from kedang_platform.i18n import msg


class InvalidEmail(BadUserInput):
    def __init__(self, *, path: tuple[str, ...] = ("email",)) -> None:
        super().__init__(msg("This is not an e-mail address."), path=path)


class PasswordTooShort(BadUserInput):
    def __init__(self, *, minimum: int) -> None:
        super().__init__(
            msg("A password needs at least {minimum} characters."), path=("password",), minimum=minimum
        )


class PasswordTooLong(BadUserInput):
    def __init__(self, *, maximum: int) -> None:
        super().__init__(
            msg("A password has at most {maximum} characters."), path=("password",), maximum=maximum
        )


class PasswordTooCommon(BadUserInput):
    def __init__(self) -> None:
        super().__init__(
            msg("This password is easy to guess: it is among the most used ones, or made of your own data."),
            path=("password",),
        )


class WrongCredentials(KedangError):
    """The e-mail or the password is wrong; which of the two is never told."""

    def __init__(self) -> None:
        super().__init__(msg("The e-mail address or the password is wrong."))


class NoCompany(KedangError):
    """The password is right, but no company lets this person in (or not the one that was named)."""

    def __init__(self) -> None:
        super().__init__(msg("You are not an active member of this company."))


class TooManyAttempts(KedangError):
    """A limit against guessing or flooding; ``minutes`` from now it is open again."""

    def __init__(self, *, minutes: int) -> None:
        super().__init__(msg("Too many attempts. Please try again in {minutes} minutes."), minutes=minutes)


class TooBusy(KedangError):
    """More passwords wait to be checked than this process takes on."""

    def __init__(self) -> None:
        super().__init__(msg("Too many people are signing in at this moment. Please try again."))


class LinkUnknown(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("This link is not valid. Please use the newest one that was sent to you."))


class LinkExpired(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("This link has expired."))


class LinkUsed(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("This link has been used already."))


class AlreadyMember(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("This person belongs to the company already."), path=("email",))


class ScopeUnknown(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("A key is made for reading, or for reading and writing."), path=("scopes",))


class ExpiryPast(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("The day of expiry lies in the past."), path=("expiresAt",))


class InvalidInstant(BadUserInput):
    """An expiry without a zone, or in a year whose end no zone can hold."""

    def __init__(self) -> None:
        super().__init__(msg("This must be a time with its zone."), path=("expiresAt",))


class NameMissing(BadUserInput):
    def __init__(self, *, path: tuple[str, ...], longest: int) -> None:
        super().__init__(msg("A name of 1 to {longest} characters is needed."), path=path, longest=longest)


class OverlapTooLong(BadUserInput):
    def __init__(self, *, hours: int) -> None:
        super().__init__(
            msg("An old key lives 0 to {hours} hours beside its successor."),
            path=("overlapHours",),
            hours=hours,
        )


class TooManyKeys(KedangError):
    def __init__(self, *, most: int) -> None:
        super().__init__(msg("A company has at most {most} keys. Please revoke one first."), most=most)


class WrongCode(KedangError):
    """The one-time code is wrong, was used before, or its time is over; which of these is never told."""

    def __init__(self) -> None:
        super().__init__(msg("This code is wrong or was used already."), path=("code",))


class SecondFactorPresent(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("Two-factor sign-in is on already."))


class SecondFactorMissing(KedangError):
    def __init__(self) -> None:
        super().__init__(msg("Two-factor sign-in is not on."))


class TwoFactorRequired(Unauthenticated):
    """The company asks for a second factor, and the person has none yet: nothing else is done before."""

    def __init__(self) -> None:
        super().__init__(msg("Your company asks for two-factor sign-in. Please set it up first."))


class SignInExpired(KedangError):
    """The first step of a sign-in is ten minutes old, was completed already, or never was."""

    def __init__(self) -> None:
        super().__init__(msg("This sign-in has expired. Please begin anew."))


class EmailTaken(BadUserInput):
    """Another person has this address; told only to who holds a link that was sent to it."""

    def __init__(self) -> None:
        super().__init__(msg("This e-mail address belongs to another account."), path=("email",))


class PasswordBreached(BadUserInput):
    def __init__(self) -> None:
        super().__init__(
            msg("This password has appeared in a data breach. Please choose another one."), path=("password",)
        )
