"""What the product writes to people about their sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from kedang_platform.i18n import msg
from kedang_platform.mail import Letter


def _link(base_url: str, path: str, token: str) -> str:
    return f"{base_url}{path}?{urlencode({'token': token})}"


def confirmation(*, base_url: str, token: str, name: str, company: str) -> Letter:
    return Letter(
        subject=msg("Confirm your e-mail address for {company}"),
        paragraphs=(
            msg("Hello {name},"),
            msg("you are signing up {company} at Kedang. Please confirm that this e-mail address is yours."),
        ),
        params={"name": name, "company": company},
        action=msg("Confirm the e-mail address"),
        url=_link(base_url, "/confirm", token),
        closing=(
            msg("The link works once and expires after two days."),
            msg("If you did not sign up, ignore this mail: nothing happens without the link."),
        ),
    )


def already_registered(*, base_url: str, name: str) -> Letter:
    return Letter(
        subject=msg("You already have an account at Kedang"),
        paragraphs=(
            msg("Hello {name},"),
            msg(
                "somebody, probably you, tried to sign up with this e-mail address, which has an account already."
            ),
            msg("Sign in with your password. If you forgot it, you can choose a new one on the same page."),
        ),
        params={"name": name},
        action=msg("Sign in"),
        url=f"{base_url}/sign-in",
        closing=(msg("If this was not you, ignore this mail: nothing has changed."),),
    )


def invitation(*, base_url: str, token: str, name: str, company: str, inviter: str) -> Letter:
    return Letter(
        subject=msg("{inviter} invites you to {company}"),
        paragraphs=(
            msg("Hello {name},"),
            msg("{inviter} invites you to work with the customer archive of {company} at Kedang."),
        ),
        params={"name": name, "company": company, "inviter": inviter},
        action=msg("Accept the invitation"),
        url=_link(base_url, "/invitation", token),
        closing=(msg("The link works once and expires after 14 days."),),
    )


def password_reset(*, base_url: str, token: str, name: str) -> Letter:
    return Letter(
        subject=msg("Choose a new password"),
        paragraphs=(
            msg("Hello {name},"),
            msg("somebody, probably you, asked for a new password at Kedang."),
        ),
        params={"name": name},
        action=msg("Choose a new password"),
        url=_link(base_url, "/reset", token),
        closing=(
            msg("The link works once and expires after one hour."),
            msg("If this was not you, ignore this mail: your password stays as it is."),
        ),
    )


def password_changed(*, base_url: str, name: str) -> Letter:
    return Letter(
        subject=msg("Your password was changed"),
        paragraphs=(
            msg("Hello {name},"),
            msg("your password at Kedang was changed, and you were signed out everywhere."),
        ),
        params={"name": name},
        action=msg("Sign in"),
        url=f"{base_url}/sign-in",
        closing=(msg("If this was not you, choose a new password on that page at once."),),
    )


def identity_linked(*, base_url: str, name: str, provider: str, account: str) -> Letter:
    return Letter(
        subject=msg("You can now sign in with {provider}"),
        paragraphs=(
            msg("Hello {name},"),
            msg(
                "the account {account} of {provider} is now linked to your account at Kedang: it signs you in."
            ),
        ),
        params={"name": name, "provider": provider, "account": account},
        action=msg("Sign in"),
        url=f"{base_url}/sign-in",
        closing=(msg("If this was not you, change your password and take the link away at once."),),
    )


_NOT_YOU = msg("If this was not you, choose a new password at once: the link leads there.")


def _security(
    *, base_url: str, subject: str, told: str, params: Mapping[str, object], closing: str = _NOT_YOU
) -> Letter:
    """What has happened to somebody's sign-in, and what to do if it was somebody else."""
    return Letter(
        subject=subject,
        paragraphs=(msg("Hello {name},"), told),
        params=params,
        action=msg("Choose a new password"),
        url=f"{base_url}/reset",
        closing=(closing,),
    )


def new_device(*, base_url: str, name: str, company: str, user_agent: str, place: str, at: str) -> Letter:
    """``place`` and ``at`` as they are to be read."""
    return _security(
        base_url=base_url,
        subject=msg("You signed in from a new browser"),
        told=msg(
            "your account at Kedang was signed in to {company} from a browser that it was not used in before:"
            " {browser}, network {place}, {at} (UTC)."
        ),
        params={"name": name, "company": company, "browser": user_agent, "place": place, "at": at},
    )


def second_factor_on(*, base_url: str, name: str) -> Letter:
    return _security(
        base_url=base_url,
        subject=msg("Two-factor sign-in is on"),
        told=msg("from now on signing in to Kedang takes a code of your app beside the password."),
        params={"name": name},
    )


def second_factor_off(*, base_url: str, name: str) -> Letter:
    return _security(
        base_url=base_url,
        subject=msg("Two-factor sign-in was switched off"),
        told=msg("from now on your password alone signs you in to Kedang."),
        params={"name": name},
    )


def recovery_codes_renewed(*, base_url: str, name: str) -> Letter:
    return _security(
        base_url=base_url,
        subject=msg("You have new recovery codes"),
        told=msg("new recovery codes were made for your account at Kedang; the old ones are void."),
        params={"name": name},
    )


def recovery_code_used(*, base_url: str, name: str, left: int) -> Letter:
    return _security(
        base_url=base_url,
        subject=msg("A recovery code was used"),
        told=msg("a recovery code was used to sign in to your account at Kedang. Codes left: {left}."),
        params={"name": name, "left": left},
    )


def email_change(*, base_url: str, token: str, name: str, email: str) -> Letter:
    """To the new address."""
    return Letter(
        subject=msg("Confirm your new e-mail address"),
        paragraphs=(
            msg("Hello {name},"),
            msg("you want to sign in to Kedang with {email} from now on. Please confirm that it is yours."),
        ),
        params={"name": name, "email": email},
        action=msg("Confirm the e-mail address"),
        url=_link(base_url, "/email", token),
        closing=(
            msg("The link works once and expires after one day."),
            msg("If you did not ask for this, ignore this mail: nothing happens without the link."),
        ),
    )


def email_change_refused(*, base_url: str, name: str) -> Letter:
    """To the new address, whose person has an account already."""
    return Letter(
        subject=msg("You already have an account at Kedang"),
        paragraphs=(
            msg("Hello {name},"),
            msg(
                "somebody wanted to use this e-mail address for another account at Kedang. Nothing has changed."
            ),
        ),
        params={"name": name},
        action=msg("Sign in"),
        url=f"{base_url}/sign-in",
    )


def email_changed(*, base_url: str, name: str, email: str) -> Letter:
    """To the old address; ``email`` is the new one."""
    return _security(
        base_url=base_url,
        subject=msg("Your e-mail address was changed"),
        told=msg("from now on you sign in to Kedang with {email}, and no longer with this address."),
        params={"name": name, "email": email},
        closing=msg("If this was not you, tell the administrator of your company at once."),
    )
