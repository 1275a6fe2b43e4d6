"""Signing a company up: nothing exists before the e-mail address is confirmed, only a link."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from kedang_platform.database import ControlTransaction
from kedang_platform.identity import IdentityServices, check_password, emails, letters, throttle, tokens
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_tenants.opening.places import check_places


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a person says who signs a company up.

    ``country`` is ISO 3166-1 alpha-2, ``language`` one of ours, ``time_zone`` an IANA name,
    ``currency`` an ISO 4217 code.
    """

    email: str
    name: str
    company: str
    country: str
    language: str
    time_zone: str
    currency: str


async def sign_up(services: IdentityServices, wish: SignUp, *, password: str, address: str) -> None:
    """Send a confirmation link to the address. A person who is known already gets a mail that says so.

    Answer, work and time are the same for both: the page cannot be asked who is known. Raises what is
    wrong with the input (``BadUserInput``), or ``TooManyAttempts`` beyond the setting's number of
    sign-ups an hour and ``address``, or 5 an hour and e-mail.
    """
    wish = _checked(wish, password=password)
    now = services.clock.now()
    async with services.databases.control() as control:
        limit = throttle.Limit(
            "sign_up_address", services.settings.sign_ups_per_hour, timedelta(hours=1), by_network=True
        )
        await throttle.spend(control, (limit, address), (throttle.SIGN_UP_EMAIL, wish.email), now=now)
    password_hash = await services.new_password(password)
    async with services.databases.control() as control:
        letter, language = await _letter(
            control, wish, password_hash=password_hash, base_url=services.settings.base_url, now=now
        )
        mail = Outgoing(letter, wish.email, language, key=f"sign_up:{new_id()}")
        await post(control, [mail], sender=services.settings.mail_from, now=now)


def _checked(wish: SignUp, *, password: str) -> SignUp:
    clean = replace(
        wish,
        email=emails.normalise(wish.email),
        name=emails.clean_name(wish.name),
        company=emails.clean_name(wish.company, path=("companyName",), longest=200),
    )
    check_places(
        country=wish.country, language=wish.language, time_zone=wish.time_zone, currency=wish.currency
    )
    check_password(password, own=(clean.email, clean.name, clean.company))
    return clean


async def _letter(
    control: ControlTransaction, wish: SignUp, *, password_hash: str, base_url: str, now: datetime
) -> tuple[Letter, str]:
    known = await control.fetchrow(
        "SELECT name, language FROM platform.person WHERE email = $1 AND confirmed_at IS NOT NULL", wish.email
    )
    if known is not None:
        return letters.already_registered(base_url=base_url, name=known["name"]), known["language"]
    payload = {**asdict(wish), "password_hash": password_hash}
    token = await tokens.issue(control, "confirm_email", email=wish.email, payload=payload, now=now)
    letter = letters.confirmation(base_url=base_url, token=token, name=wish.name, company=wish.company)
    return letter, wish.language
