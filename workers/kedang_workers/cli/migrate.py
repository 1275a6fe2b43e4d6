"""``kedang migrate``: makes or repairs the roles, migrates every schema, keeps spares ready."""

from __future__ import annotations

from kedang_migrations.runner import build_spares, migrate
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.embedded import Echo
from kedang_platform.i18n import msg
from kedang_platform.secrets import load_secret_key
from kedang_platform.settings import Settings
from kedang_workers.cli.telling import COMPANIES_BEHIND


async def migrate_all(settings: Settings, *, database_url: str, echo: Echo) -> int:
    """Bring everything to this release; returns the exit code.

    0, or ``COMPANIES_BEHIND`` when some companies' schemas failed: they are told one by one and
    answer COMPANY_UPGRADING until a later run succeeds, while all others work.
    """
    urls = await provision(database_url, secret=load_secret_key(settings), settings=settings)
    databases = await Databases.open(settings, urls)
    try:
        report = await migrate(databases, echo=echo)
        built = await build_spares(databases, count=settings.spare_schemas)
    finally:
        await databases.close()
    for failed in report.failed:
        echo(msg("Schema {schema} stayed behind: {error}"), schema=failed.schema, error=failed.error)
    if report.untried:
        echo(msg("{count} schemas were not tried, since the first one failed."), count=report.untried)
    if report.migrated or built:
        echo(
            msg("{migrated} company schemas migrated, {built} spare ones built."),
            migrated=report.migrated,
            built=built,
        )
    return 0 if report.complete else COMPANIES_BEHIND
