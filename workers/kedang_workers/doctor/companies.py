"""What the database itself knows: schemas, spares, jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from kedang_migrations.environments import PLATFORM, TENANT, WORK
from kedang_platform.database import ControlRead
from kedang_platform.i18n import msg
from kedang_platform.registry import count_spares
from kedang_platform.settings import Settings
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.people.calendar_warning import unknown_years
from kedang_workers.doctor.findings import Finding, error, warning

_MIGRATE: Final = msg("Run `kedang migrate`; what failed is tried again.")
_LATE: Final = "10 minutes"

_SHARED = "SELECT component, revision FROM platform.revision WHERE component IN ('platform', 'work')"
_SCHEMAS = """
SELECT t.name, t.revision, t.error, t.attempts, c.name AS company FROM platform.tenant_schema t
LEFT JOIN platform.company c ON c.id = t.company_id
WHERE t.state = 'claimed' AND (t.revision <> $1 OR t.error IS NOT NULL) ORDER BY t.name
"""
_ORPHANS = """
SELECT n.nspname AS name FROM pg_namespace n
WHERE n.nspname ~ '^t_[a-z0-9]{8,40}$' AND n.nspowner = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND NOT EXISTS (SELECT FROM platform.tenant_schema t WHERE t.name = n.nspname) ORDER BY 1
"""
_UNOPENED = """
SELECT name FROM platform.company WHERE status = 'opening' AND created_at < now() - interval '1 hour' ORDER BY 1
"""
_COUNTRIES = "SELECT DISTINCT country FROM platform.company WHERE status = 'active' ORDER BY 1"
_STUCK = f"""
SELECT count(*) AS count, min(due_at) AS oldest FROM work.job j
WHERE (state IN ('waiting', 'queued') AND greatest(due_at, created_at) < now() - interval '{_LATE}'
       OR state = 'running' AND lease_until < now() - interval '{_LATE}')
  AND NOT EXISTS (SELECT FROM platform.company c WHERE c.schema_name = j.tenant AND c.status = 'suspended')
"""
_DEAD = """
SELECT kind, error_code, count(*) AS count FROM work.job
WHERE state = 'failed' AND finished_at > now() - interval '1 day' GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 20
"""


async def schemas(read: ControlRead, settings: Settings) -> list[Finding]:
    """Schemas that stand elsewhere than this release, failed migrations, what a broken run left, spares."""
    heads = {"platform": PLATFORM.head(), "work": WORK.head()}
    found = [
        _elsewhere(row["component"], row["revision"], heads[row["component"]])
        for row in await read.fetch(_SHARED)
        if row["revision"] != heads[row["component"]]
    ]
    for row in await read.fetch(_SCHEMAS, TENANT.head()):
        name = row["company"] or row["name"]
        if row["error"]:
            found.append(
                error(
                    "MIGRATION_FAILED",
                    msg("The schema of {name} could not be migrated ({attempts} tries): {reason}"),
                    _MIGRATE,
                    name=name,
                    schema=row["name"],
                    attempts=row["attempts"],
                    reason=row["error"],
                )
            )
        else:
            found.append(_elsewhere(name, row["revision"], TENANT.head()))
    found.extend(await _left_behind(read, settings))
    ready = await count_spares(read, revision=TENANT.head())
    if ready < settings.spare_schemas:
        found.append(
            (warning if ready else error)(
                "SPARES_LOW",
                msg("{ready} of {wanted} schemas stand ready for sign-ups."),
                msg("A worker builds them; `kedang migrate` does at once."),
                ready=ready,
                wanted=settings.spare_schemas,
            )
        )
    return found


async def calendars(read: ControlRead, *, today: date) -> list[Finding]:
    """Countries of companies of which the working days of a year should be known by now, and are not."""
    countries = [row["country"] for row in await read.fetch(_COUNTRIES)]
    return [
        warning(
            "CALENDAR_MISSING",
            msg(
                "The holidays and make-up working days of {country} in {year} are not known to this release."
            ),
            msg("Update the product; until then companies can enter the days of the year themselves."),
            country=country,
            year=year,
        )
        for country in countries
        for year in unknown_years(WorkingCalendar(country=country), today)
    ]


async def jobs(read: ControlRead) -> list[Finding]:
    """Work that nobody does, and work that was given up within a day."""
    found = []
    stuck = await read.fetchrow(_STUCK)
    assert stuck is not None
    if stuck["count"]:
        found.append(
            error(
                "JOBS_STUCK",
                msg("{count} jobs have been due for more than ten minutes."),
                msg("See that a relay and a worker run, and read their logs."),
                count=stuck["count"],
            )
        )
    found.extend(
        warning(
            "JOBS_GIVEN_UP",
            msg("{count} jobs of the kind {kind} were given up within a day ({reason})."),
            msg("Read the worker's log; what the job was for was not done."),
            count=row["count"],
            kind=row["kind"],
            reason=row["error_code"],
        )
        for row in await read.fetch(_DEAD)
    )
    return found


async def _left_behind(read: ControlRead, settings: Settings) -> Iterator[Finding]:
    orphans = await read.fetch(_ORPHANS, f"{settings.role_prefix}_owner")
    unopened = await read.fetch(_UNOPENED)
    return iter(
        [
            *(
                warning(
                    "SCHEMA_ORPHANED",
                    msg("The schema {schema} belongs to no company: a restore or import was broken off."),
                    msg('DROP SCHEMA "{schema}" CASCADE; DROP ROLE "{schema}"'),
                    schema=row["name"],
                )
                for row in orphans
            ),
            *(
                warning(
                    "COMPANY_UNOPENED",
                    msg("{name} has been opening for more than an hour."),
                    msg("See that a worker runs; what a broken restore began can be deleted."),
                    name=row["name"],
                )
                for row in unopened
            ),
        ]
    )


def _elsewhere(name: str, revision: str, head: str) -> Finding:
    if revision > head:
        return error(
            "SCHEMA_AHEAD",
            msg("The schema of {name} stands at revision {revision}, this release knows {head}."),
            msg("Run the release that migrated it, or a later one."),
            name=name,
            revision=revision,
            head=head,
        )
    return error(
        "SCHEMA_BEHIND",
        msg("The schema of {name} stands at revision {revision}, this release needs {head}."),
        _MIGRATE,
        name=name,
        revision=revision,
        head=head,
    )
