"""What people change of their own account: the password and the address that they sign in with.

Whoever calls these has seen to a recent proof of who asks (``recent``).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from kedang_platform.database import ControlTransaction
from kedang_platform.identity import letters, throttle, tokens
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.devices import forget_devices
from kedang_platform.identity.emails import normalise
from kedang_platform.identity.errors import EmailTaken, LinkUsed
from kedang_platform.identity.people import find_person
from kedang_platform.identity.proving import count_guess, verify_own_password
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import end_sessions, renew_token
from kedang_platform.identity.signing_in import tell
from kedang_platform.identity.tables import person
from kedang_platform.identity.watching import watched
from kedang_platform.mail import Outgoing, post
from kedang_platform.work import NewJob, enqueue

FOLLOW_EMAIL_JOB: Final = "people.follow_email"


@watched("password.changed", "password.refused")
async def change_password(
    services: IdentityServices,
    identified: Identified,
    *,
    current: str,
    password: str,
    device: str | None = None,
) -> str:
    """Another password; every other session ends, no other browser is known any more. The session's new token.

    Raises ``WrongCredentials``, ``TooManyAttempts``, ``TooBusy``, and what ``Passwords.accept`` raises.
    """
    now = services.clock.now()
    async with services.databases.control() as control:
        await count_guess(control, identified, now=now)
        info = await find_person(control, person_id=identified.person_id)
    await verify_own_password(services, identified, password=current)
    password_hash = await services.new_password(
        password, own=(info.email, info.name, identified.company.name)
    )
    async with services.databases.control() as control:
        await control.execute(
            update(person).where(person.c.id == info.id).values(password_hash=password_hash)
        )
        await tokens.withdraw_of(control, *tokens.WAYS_IN, person_id=info.id)
        await end_sessions(control, person_id=info.id, but=identified.credential_id)
        await forget_devices(control, person_id=info.id, but=device)
        token = await renew_token(control, session_id=identified.credential_id, proved_at=now)
        await throttle.forgive(control, throttle.PROVE_SESSION, str(identified.credential_id))
        letter = letters.password_changed(base_url=services.settings.base_url, name=info.name)
        await tell(control, services, letter, email=info.email, language=info.language, now=now)
    services.credentials.forget()
    return token


async def request_email_change(services: IdentityServices, identified: Identified, *, email: str) -> None:
    """Have a link sent to the new address; nothing changes before it is used there.

    Whether the address has an account already is told to its mailbox only. 5 an hour and person. Raises
    ``InvalidEmail``, ``TooManyAttempts``.
    """
    email = normalise(email)
    now = services.clock.now()
    base_url, sender = services.settings.base_url, services.settings.mail_from
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.EMAIL_CHANGE, str(identified.person_id)), now=now)
        info = await find_person(control, person_id=identified.person_id)
        await tokens.withdraw_of(control, "change_email", person_id=info.id)
        token = await tokens.issue(control, "change_email", email=email, person_id=info.id, now=now)
        key = f"change_email:{tokens.hash_of(token).hex()}"
        letter = letters.email_change(base_url=base_url, token=token, name=info.name, email=email)
        taken = await control.fetchrow("SELECT name, language FROM platform.person WHERE email = $1", email)
        language = info.language
        if taken is not None:
            letter = letters.email_change_refused(base_url=base_url, name=taken["name"])
            language = taken["language"]
        await post(control, [Outgoing(letter, email, language, key=key)], sender=sender, now=now)


async def confirm_email_change(services: IdentityServices, *, token: str) -> None:
    """Use the link: from now on the person signs in with the new address, and the old one is told.

    Links that were sent to the old address are void. Raises ``LinkUnknown``, ``LinkExpired``, ``LinkUsed``,
    ``EmailTaken``; a link that was used a moment ago does nothing more.
    """
    try:
        async with services.databases.control() as control:
            await _confirm(services, control, token)
    except IntegrityError:  # somebody took the address between the look and the change
        raise EmailTaken from None
    services.credentials.forget()


async def _confirm(services: IdentityServices, control: ControlTransaction, token: str) -> None:
    now = services.clock.now()
    found = await tokens.look_up(control, "change_email", token, now=now)
    if found.used:
        return
    if found.person_id is None:
        raise LinkUsed
    info = await find_person(control, person_id=found.person_id)
    taken = await control.fetchval(
        "SELECT 1 FROM platform.person WHERE email = $1 AND id <> $2", found.email, info.id
    )
    if taken is not None:
        raise EmailTaken
    await tokens.mark_used(control, found, now=now)
    await control.execute(update(person).where(person.c.id == info.id).values(email=found.email))
    await tokens.withdraw_of(control, *tokens.WAYS_IN, person_id=info.id)
    await enqueue(control, NewJob(FOLLOW_EMAIL_JOB, {"person": str(info.id)}))
    if info.email != found.email:
        letter = letters.email_changed(base_url=services.settings.base_url, name=info.name, email=found.email)
        await tell(control, services, letter, email=info.email, language=info.language, now=now)
