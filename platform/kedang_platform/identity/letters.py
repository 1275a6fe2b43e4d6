"""What the product writes to people about their sign-in."""

from __future__ import annotations

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
