"""Proving again who one is within a session, for what is sensitive (``recent``)."""

from __future__ import annotations

from datetime import datetime

from kedang_platform.database import ControlTransaction
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import second_factors, throttle
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.errors import WrongCredentials
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import renew_token
from kedang_platform.identity.watching import watched


@watched("reauthentication.succeeded", "reauthentication.failed")
async def reauthenticate(
    services: IdentityServices,
    identified: Identified,
    *,
    password: str | None = None,
    code: str | None = None,
) -> str:
    """Take the password, or a one-time code; the session's new token, as the old one is void.

    10 tries in 15 minutes and session. Raises ``WrongCredentials``, ``WrongCode``, ``TooManyAttempts``,
    ``TooBusy``; ``NotFound`` when the session has ended meanwhile.
    """
    now = services.clock.now()
    async with services.databases.control() as control:
        await count_guess(control, identified, now=now)
    if code is None:
        await verify_own_password(services, identified, password=password or "")
    async with services.databases.control() as control:
        if code is not None:
            await second_factors.prove(
                control, person_id=identified.person_id, code=code, key=services.key, now=now
            )
        token = await renew_token(control, session_id=identified.credential_id, proved_at=now)
        await throttle.forgive(control, throttle.PROVE_SESSION, str(identified.credential_id))
    services.credentials.forget()
    return token


async def count_guess(control: ControlTransaction, identified: Identified, *, now: datetime) -> None:
    """Count a guess of who holds the session, before it is looked at.

    The session is held: one that moves to another company takes all its guesses along. Raises ``TooManyAttempts``,
    and ``NotFound`` when the session has ended or moved meanwhile.
    """
    held = "SELECT 1 FROM platform.session WHERE id = $1 FOR NO KEY UPDATE"
    if await control.fetchval(held, identified.credential_id) is None:
        raise NotFound(msg("There is no such record."), path=("id",))
    await throttle.spend(control, (throttle.PROVE_SESSION, str(identified.credential_id)), now=now)


async def verify_own_password(services: IdentityServices, identified: Identified, *, password: str) -> None:
    """Raises ``WrongCredentials``, also for who has no password."""
    async with services.databases.control_read() as read:
        password_hash = await read.fetchval(
            "SELECT password_hash FROM platform.person WHERE id = $1", identified.person_id
        )
    if not await services.passwords.verify(password_hash, password):
        raise WrongCredentials
