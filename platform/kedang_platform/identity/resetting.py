"""A forgotten password: a link by mail, a new password, and every session ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from kedang_platform.database import ControlTransaction
from kedang_platform.identity import letters, throttle, tokens
from kedang_platform.identity.devices import forget_devices, meet
from kedang_platform.identity.emails import normalise
from kedang_platform.identity.errors import LinkUsed
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import end_sessions
from kedang_platform.identity.tables import person
from kedang_platform.identity.watching import watched
from kedang_platform.mail import Outgoing, post
from kedang_platform.work import NewJob, enqueue

JOB = "identity.send_password_reset"
# What the person of a link is known by, and so are their guesses: address, name, companies.
_KNOWN_BY = """
WITH whose AS (SELECT person_id FROM platform.one_time_token WHERE token_hash = $1)
SELECT email AS known_by FROM platform.person JOIN whose ON id = person_id
UNION SELECT name FROM platform.person JOIN whose ON id = person_id
UNION SELECT c.name FROM platform.company c JOIN platform.membership m ON m.company_id = c.id JOIN whose USING (person_id)
"""


@watched("password.reset_asked", "password.reset_refused")
async def request_password_reset(services: IdentityServices, *, email: str, address: str) -> None:
    """Have a link sent, if the address is a known person's. Nothing in answer or time tells whether it is.

    Limited to 3 an hour and account, 20 an hour and address. Raises ``InvalidEmail``, ``TooManyAttempts``.
    """
    email = normalise(email)
    now = services.clock.now()
    async with services.databases.control() as control:
        tries = ((throttle.RESET_ADDRESS, address), (throttle.RESET_ACCOUNT, email))
        await throttle.spend(control, *tries, now=now)
        await enqueue(control, NewJob(JOB, {"email": email}))


async def send_password_reset(
    control: ControlTransaction, *, email: str, base_url: str, sender: str, now: datetime
) -> None:
    """The job behind ``request_password_reset``: a fresh link to a known person, nothing to others."""
    row = await control.fetchrow(
        "SELECT id, name, language FROM platform.person WHERE email = $1 AND confirmed_at IS NOT NULL", email
    )
    if row is None:
        return
    await tokens.withdraw(control, "password_reset", email=email)
    token = await tokens.issue(control, "password_reset", email=email, person_id=row["id"], now=now)
    letter = letters.password_reset(base_url=base_url, token=token, name=row["name"])
    mail = Outgoing(letter, email, row["language"], key=f"password_reset:{tokens.hash_of(token).hex()}")
    await post(control, [mail], sender=sender, now=now)


@watched("password.reset", "password.reset_refused")
async def reset_password(
    services: IdentityServices, *, token: str, password: str, device: str | None = None
) -> str:
    """Set the new password and end every session of the person, who is told by mail; a second factor stays.

    The browser is known from now on, and no other is: the token for its cookie. So who reads the mailbox gets in
    even while somebody else uses up the account's tries.

    Raises ``LinkUnknown``, ``LinkExpired``, ``LinkUsed``, or what ``IdentityServices.new_password`` raises.
    """
    now = services.clock.now()
    async with services.databases.control_read() as read:  # a hash is dear: none for whoever has no link
        await tokens.peek(read, "password_reset", token, now=now, repeatable=False)
        own = [row["known_by"] for row in await read.fetch(_KNOWN_BY, tokens.hash_of(token))]
    password_hash = await services.new_password(password, own=own)
    async with services.databases.control() as control:
        found = await tokens.look_up(control, "password_reset", token, now=now)
        if found.used:
            raise LinkUsed
        statement = update(person).where(person.c.id == found.person_id).values(password_hash=password_hash)
        row = (
            await control.execute(statement.returning(person.c.id, person.c.name, person.c.language))
        ).one()
        await tokens.mark_used(control, found, now=now)
        await tokens.withdraw_of(control, *tokens.WAYS_IN, person_id=row.id)
        await end_sessions(control, person_id=row.id)
        await forget_devices(control, person_id=row.id)
        device, _ = await meet(control, person_id=row.id, token=device, now=now)
        await throttle.forgive(control, throttle.SIGN_IN_ACCOUNT, found.email)
        letter = letters.password_changed(base_url=services.settings.base_url, name=row.name)
        mail = Outgoing(letter, found.email, row.language, key=f"password_changed:{found.hash.hex()}")
        await post(control, [mail], sender=services.settings.mail_from, now=now)
    services.credentials.forget()
    return device
