"""What the operations on people need of the process they run in; made once by its composition root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.identity.breaches import Breaches
from kedang_platform.identity.credentials import Credentials
from kedang_platform.identity.openid.providers import Providers
from kedang_platform.identity.passwords import Passwords, check_password
from kedang_platform.secrets import SecretKey, load_secret_key
from kedang_platform.settings import Settings


@dataclass(frozen=True, slots=True)
class IdentityServices:
    databases: Databases
    settings: Settings
    clock: Clock
    key: SecretKey
    passwords: Passwords
    credentials: Credentials
    openid: Providers
    breaches: Breaches

    @classmethod
    def open(cls, databases: Databases, settings: Settings, clock: Clock) -> IdentityServices:
        key = load_secret_key(settings)
        return cls(
            databases=databases,
            settings=settings,
            clock=clock,
            key=key,
            passwords=Passwords(),
            credentials=Credentials(
                databases, key=key, clock=clock, idle=timedelta(hours=settings.session_idle_hours)
            ),
            openid=Providers(settings.openid_providers),
            breaches=Breaches.of(settings),
        )

    async def new_password(self, password: str, *, own: Iterable[str] = ()) -> str:
        """The hash of a password that may be used; ``own`` is what its person is known by.

        Raises what ``check_password`` raises, ``PasswordBreached`` and ``TooBusy``.
        """
        check_password(password, own=own)
        await self.breaches.check(password)
        return await self.passwords.hash(password)

    def close(self) -> None:
        self.passwords.close()
