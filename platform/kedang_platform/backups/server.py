"""The embedded PostgreSQL of a folder, as whoever saves it reaches it: as its superuser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg

from kedang_platform.backups.errors import BackupsUnsupported, InstallationStopped
from kedang_platform.database.errors import DRIVER_ERRORS
from kedang_platform.database.pools import Connection
from kedang_platform.embedded.places import find_place
from kedang_platform.embedded.postgres import DATABASE, SUPERUSER
from kedang_platform.embedded.processes import server_environment
from kedang_platform.embedded.servers import known_installation
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings

SLOT: Final = "kedang_backup"


@dataclass(frozen=True, slots=True)
class Source:
    """A running server that we may copy: its address with the superuser's login, and its programs."""

    url: str
    programs: Path

    def command(self, program: str, *arguments: str | Path) -> Sequence[str | Path]:
        """A client program of PostgreSQL; the password is not among what a list of processes shows."""
        parts = urlsplit(self.url)
        place = ("-h", parts.hostname or "", "-p", str(parts.port), "-U", unquote(parts.username or ""), "-w")
        return [self.programs / program, *place, *arguments]

    @property
    def environment(self) -> Mapping[str, str]:
        return dict(server_environment()) | {"PGPASSWORD": unquote(urlsplit(self.url).password or "")}

    async def connect(self) -> Connection:
        """A connection of the superuser; raises InstallationStopped."""
        try:
            return await asyncpg.connect(self.url, timeout=10)
        except DRIVER_ERRORS as problem:
            raise InstallationStopped(
                msg("The servers do not run; `kedang up` starts them ({reason})."), reason=str(problem)
            ) from problem


def embedded_source(settings: Settings) -> Source:
    """The embedded PostgreSQL of ``settings.var``, whether it runs or not.

    Raises BackupsUnsupported for servers of the operator's own, InstallationStopped where there is none.
    """
    if settings.database_url:
        raise BackupsUnsupported(
            msg("KEDANG_DATABASE_URL names a server of your own; it is saved by its own means.")
        )
    installation = known_installation(settings.var.absolute())
    if installation is None:
        raise InstallationStopped(
            msg("There is no installation with embedded servers in {folder}."),
            folder=str(settings.var.absolute()),
        )
    port = settings.postgres_port or settings.port + 1
    place = find_place(settings.var.absolute() / installation.home)
    url = f"postgresql://{SUPERUSER}:{installation.postgres_password}@127.0.0.1:{port}/{DATABASE}"
    return Source(url, place.programs.postgres)
