"""What a handler may use, made once by the composition root of the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.files import FileStore
from kedang_platform.live import Publisher
from kedang_platform.outgoing import OutgoingClient
from kedang_platform.settings import Settings

if TYPE_CHECKING:  # mail asks for work, so work names it only here
    from kedang_platform.mail import Mailer


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    databases: Databases
    clock: Clock
    settings: Settings
    mail: Mailer
    files: FileStore
    outgoing: OutgoingClient
    live: Publisher | None = None
    """Tells the gateways of changes; None where there is no Valkey (then nobody listens either)."""
