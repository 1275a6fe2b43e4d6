"""Proving again who one is within a session, for what is sensitive (``recent``)."""

from __future__ import annotations

from kedang_platform.identity import second_factors, throttle
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.errors import WrongCredentials
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import renew_token


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
    session = str(identified.credential_id)
    async with services.databases.control() as control:
        await throttle.spend(control, (throttle.PROVE_SESSION, session), now=now)
    if code is None:
        await verify_own_password(services, identified, password=password or "")
    async with services.databases.control() as control:
        if code is not None:
            await second_factors.prove(
                control, person_id=identified.person_id, code=code, key=services.key, now=now
            )
        await throttle.forgive(control, throttle.PROVE_SESSION, session)
        token = await renew_token(control, session_id=identified.credential_id, proved_at=now)
    services.credentials.forget()
    return token


async def verify_own_password(services: IdentityServices, identified: Identified, *, password: str) -> None:
    """Raises ``WrongCredentials``, also for who has no password."""
    async with services.databases.control_read() as read:
        password_hash = await read.fetchval(
            "SELECT password_hash FROM platform.person WHERE id = $1", identified.person_id
        )
    if not await services.passwords.verify(password_hash, password):
        raise WrongCredentials
