"""How a command reaches the installation that it works on."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kedang_platform.database import Databases, urls_of
from kedang_platform.embedded.postgres import DATABASE
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings

T = TypeVar("T")


class InstallationUnknown(KedangError):
    """The folder has no installation and no database was named."""


def reach(settings: Settings, work: Callable[[Databases], Awaitable[T]]) -> T:
    """Run ``work`` on the databases of the installation. Raises InstallationUnknown, DatabaseUnavailable."""

    async def run() -> T:
        told = named(settings)
        databases = await Databases.open(told, urls_of(told))
        try:
            return await work(databases)
        finally:
            await databases.close()

    return asyncio.run(run())


def named(settings: Settings) -> Settings:
    """The settings with the address of the database: the named one, or that of the servers of this folder."""
    if settings.database_url:
        return settings
    if not (settings.var / "secret").exists():
        raise InstallationUnknown(
            msg("There is no installation in {folder}; KEDANG_VAR or KEDANG_DATABASE_URL names another."),
            folder=settings.var.absolute(),
        )
    url = f"postgresql://127.0.0.1:{settings.postgres_port or settings.port + 1}/{DATABASE}"
    return settings.model_copy(update={"database_url": url})


def account() -> str:
    """The account of the terminal; its number in a container that has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
