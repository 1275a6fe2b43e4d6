"""What the operations on people need of the process they run in; made once by its composition root."""

from __future__ import annotations

from dataclasses import dataclass

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.identity.credentials import Credentials
from kedang_platform.identity.openid.providers import Providers
from kedang_platform.identity.passwords import Passwords
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

    @classmethod
    def open(cls, databases: Databases, settings: Settings, clock: Clock) -> IdentityServices:
        key = load_secret_key(settings)
        return cls(
            databases=databases,
            settings=settings,
            clock=clock,
            key=key,
            passwords=Passwords(),
            credentials=Credentials(databases, key=key, clock=clock),
            openid=Providers(settings.openid_providers),
        )

    def close(self) -> None:
        self.passwords.close()
