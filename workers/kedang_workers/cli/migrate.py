"""``kedang migrate``: makes or repairs the roles, migrates every schema, keeps spares ready."""

from __future__ import annotations

import json

from kedang_migrations.runner import MigrationReport, build_spares, migrate
from kedang_platform.backups import embedded_source
from kedang_platform.database import Databases
from kedang_platform.database.provision import provision
from kedang_platform.embedded import Echo, silent
from kedang_platform.embedded.servers import known_installation
from kedang_platform.i18n import msg
from kedang_platform.secrets import load_secret_key
from kedang_platform.settings import Settings
from kedang_workers.cli.telling import COMPANIES_BEHIND


def superuser_url(settings: Settings) -> str | None:
    """The embedded PostgreSQL of this folder with its superuser's login; None for servers of one's own, or none."""
    if settings.database_url or known_installation(settings.var.absolute()) is None:
        return None
    return embedded_source(settings).url


async def migrate_all(settings: Settings, *, database_url: str, echo: Echo, as_json: bool = False) -> int:
    """Bring everything to this release; returns the exit code. As JSON nothing is told on the way.

    0, or ``COMPANIES_BEHIND`` when some companies' schemas failed: they are told one by one and
    answer COMPANY_UPGRADING until a later run succeeds, while all others work.
    """
    urls = await provision(database_url, secret=load_secret_key(settings), settings=settings)
    databases = await Databases.open(settings, urls)
    try:
        report = await migrate(databases, echo=silent if as_json else echo)
        built = await build_spares(databases, count=settings.spare_schemas)
    finally:
        await databases.close()
    if as_json:
        print(json.dumps(_told(report, built), ensure_ascii=False))
    else:
        _tell(report, built, echo)
    return 0 if report.complete else COMPANIES_BEHIND


def _tell(report: MigrationReport, built: int, echo: Echo) -> None:
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


def _told(report: MigrationReport, built: int) -> dict[str, object]:
    """The stable shape: see docs/operations.md."""
    return {
        "complete": report.complete,
        "revisions": {"platform": report.platform, "work": report.work, "tenant": report.tenant},
        "migrated": report.migrated,
        "spares": built,
        "failed": [{"schema": failed.schema, "error": failed.error} for failed in report.failed],
        "untried": report.untried,
    }
