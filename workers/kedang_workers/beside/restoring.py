"""``restore --company``: recovered aside, lifted out, loaded beside the living one, which is never touched."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from kedang_migrations.adopting import Adopted, adopt, discard, make_role
from kedang_platform.backups import Archive, Source
from kedang_platform.backups.contents import bring_back
from kedang_platform.backups.errors import room_on
from kedang_platform.backups.recovering import plan, recovered
from kedang_platform.backups.restoring import POSTGRES, working_folder
from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.database.company import new_schema_name
from kedang_platform.database.urls import DatabaseUrls
from kedang_platform.embedded import Echo
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.registry import NewCompany
from kedang_platform.settings import Settings
from kedang_workers.beside.lifting import Lifted, dump, lift, load
from kedang_workers.beside.settling import Settled, settle


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which company, as of when, and what the restored one is to be called (None: after the instant)."""

    name: str
    called: str | None = None
    to_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A company that stands beside the one it was taken from."""

    company_id: UUID
    name: str
    taken_from: UUID
    at: datetime
    files: int
    settled: Settled


@dataclass(frozen=True, slots=True)
class _Dumped:
    lifted: Lifted
    file: Path
    at: datetime
    programs: Path


def restore_beside(
    settings: Settings,
    archive: Archive,
    wanted: Wanted,
    *,
    urls: DatabaseUrls,
    clock: Clock,
    echo: Echo,
) -> Beside:
    """Bring one company back as it was, beside the living one. Call it from the main thread.

    Raises what ``plan`` and ``recovered`` raise, NotFound, CompanyAmbiguous, SchemaTooNew, BackupFailed; the
    installation is then as it was.
    """
    schema = new_schema_name()
    var = settings.var.absolute()
    draft = var / f"restoring-{secrets.token_hex(4)}"
    with working_folder(draft) as place:
        chosen = plan(archive, to_time=wanted.to_time, postgres=POSTGRES)
        with recovered(chosen, place, fsync=False, log=draft / "restore.log", echo=echo) as running:
            lifted = asyncio.run(lift(running.server.url, name=wanted.name, new_schema=schema))
            echo(msg("Taking {name} out of the backup ..."), name=lifted.company.name)
            with room_on(draft):
                dump(Source(running.server.url, place.programs.postgres), schema, draft / "company.dump")
        dumped = _Dumped(lifted, draft / "company.dump", running.at, place.programs.postgres)
        return asyncio.run(_set_beside(settings, archive, wanted, schema, dumped, urls=urls, clock=clock))


async def _set_beside(
    settings: Settings,
    archive: Archive,
    wanted: Wanted,
    schema: str,
    dumped: _Dumped,
    *,
    urls: DatabaseUrls,
    clock: Clock,
) -> Beside:
    company_id, lifted = new_id(), dumped.lifted
    name = wanted.called or f"{lifted.company.name} ({dumped.at:%Y-%m-%d %H:%M})"
    files = settings.var.absolute() / "files"
    databases = await Databases.open(settings, urls)
    try:
        await make_role(databases, schema)
        load(Source(urls.owner, dumped.programs), dumped.file)
        copied = bring_back(archive, files, schema=lifted.schema, to=schema, at=dumped.at)
        company = NewCompany(
            name,
            lifted.company.country,
            lifted.company.language,
            lifted.company.time_zone,
            lifted.company.currency,
        )
        adopted = Adopted(company_id, schema, lifted.revision, company)
        await adopt(databases, adopted, now=clock.now())
        settled = await settle(
            databases,
            company_id=company_id,
            taken_from=lifted.id,
            members=lifted.members,
            free_seats=settings.free_seats,
            told={"from": [None, str(lifted.id)], "at": [None, dumped.at.isoformat()]},
            clock=clock,
        )
    except BaseException:
        await discard(databases, schema=schema, company_id=company_id)
        shutil.rmtree(files / schema, ignore_errors=True)
        raise
    finally:
        await databases.close()
    return Beside(company_id, name, lifted.id, dumped.at, copied, settled)
