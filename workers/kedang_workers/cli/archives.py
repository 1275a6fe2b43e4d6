"""What ``kedang company export|import|delete`` and ``kedang audit verify`` do, and how they tell it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from kedang_migrations.runner import build_spares
from kedang_platform.backups.errors import room_on, writing_into
from kedang_platform.clock import SystemClock
from kedang_platform.database import ControlRead, Databases
from kedang_platform.embedded import Echo
from kedang_platform.errors import KedangError
from kedang_platform.files import open_files
from kedang_platform.i18n import msg
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.registry import Company, ask_to_delete, find_company, hurry, overview_of, take_back
from kedang_platform.settings import Settings
from kedang_tenants.changing.verifying import Verified, verify
from kedang_tenants.leaving.deleting import delete_due
from kedang_tenants.leaving.importing import import_company
from kedang_tenants.leaving.operations import product
from kedang_tenants.leaving.to_file import export_to_file
from kedang_workers.caches import ValkeyCaches
from kedang_workers.cli.reaching import named, reach

BROKEN = 5
"""Exit code of a trail that does not hold."""

T = TypeVar("T")


class NotConfirmed(KedangError):
    """What was typed to confirm is not the company's name."""


class FileExists(KedangError):
    """There is a file of this name already."""


async def company_of(read: ControlRead, text: str) -> Company:
    """The company of this id or name; raises NotFound, CompanyAmbiguous."""
    return await find_company(read, company_id=(await overview_of(read, name=text)).id)


def _with(settings: Settings, name: str, work: Callable[[Databases, Company], Awaitable[T]]) -> T:
    async def on_company(databases: Databases) -> T:
        async with databases.control_read() as read:
            company = await company_of(read, name)
        return await work(databases, company)

    return reach(settings, on_company)


def export(settings: Settings, *, name: str, to: Path, echo: Echo, as_json: bool) -> None:
    """Write everything a company has to a file, whatever its status."""
    if to.exists():
        raise FileExists(msg("There is a file {file} already."), file=to)

    async def work(databases: Databases, company: Company) -> dict[str, object]:
        with writing_into(to.parent):
            archived = await export_to_file(
                databases, company, to, files=open_files(settings), product=product(), clock=SystemClock()
            )
        told = {"company": str(company.id), "name": company.name, "file": str(to), "bytes": archived.size}
        return told | {"rows": archived.rows}

    told = _with(settings, name, work)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    rows = sum(told["rows"].values()) if isinstance(told["rows"], dict) else 0
    echo(
        msg("{name}: {rows} rows in {file}, {size} bytes."),
        file=to,
        size=told["bytes"],
        name=told["name"],
        rows=rows,
    )


def import_(settings: Settings, *, file: Path, echo: Echo, as_json: bool) -> None:
    """Make a company of an archive; its people get invitations."""
    at = named(settings)

    async def work(databases: Databases) -> dict[str, object]:
        await build_spares(databases, count=max(settings.spare_schemas, 1))
        with room_on(settings.var):
            done = await import_company(
                databases, file, files=open_files(settings), settings=at, clock=SystemClock()
            )
        return {
            "company": str(done.company.id),
            "name": done.company.name,
            "rows": done.rows,
            "files": done.files,
            "invited": done.invited,
            "uninvited": done.uninvited,
        }

    told = reach(settings, work)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    invited = told["invited"] if isinstance(told["invited"], list) else []
    echo(
        msg("{name} is here as {id}; {count} people are invited."),
        name=told["name"],
        id=told["company"],
        count=len(invited),
    )


def delete(settings: Settings, *, name: str, confirm: str, now: bool, echo: Echo, as_json: bool) -> None:
    """Let a company go, after its grace or at once."""
    clock = SystemClock()

    async def work(databases: Databases, company: Company) -> dict[str, object]:
        if confirm != company.name:
            raise NotConfirmed(msg("--confirm must be the company's name: {name}"), name=company.name)
        grace = timedelta(days=settings.deletion_grace_days)
        async with databases.control() as control:
            deletion = await ask_to_delete(
                control, company_id=company.id, requested_by=None, grace=grace, now=clock.now()
            )
            await announce_ended(control, company.id)
            if now:
                await hurry(control, company_id=company.id, now=clock.now())
        told: dict[str, object] = {"company": str(company.id), "name": company.name, "deleted": now}
        if not now:
            return told | {"dueAt": deletion.due_at.isoformat()}
        caches = ValkeyCaches(settings.redis_url) if settings.redis_url else None
        await delete_due(databases, files=open_files(settings), caches=caches, clock=clock)
        return told

    told = _with(settings, name, work)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    elif now:
        echo(msg("{name} is gone with everything."), name=told["name"])
    else:
        echo(
            msg("{name} is closed and will be gone on {day}; --keep takes it back."),
            name=told["name"],
            day=told["dueAt"],
        )


def keep(settings: Settings, *, name: str, echo: Echo, as_json: bool) -> None:
    """Take a deletion back."""

    async def work(databases: Databases, company: Company) -> Company:
        async with databases.control() as control:
            await take_back(control, company_id=company.id, now=SystemClock().now())
            await announce_ended(control, company.id)
        return company

    company = _with(settings, name, work)
    if as_json:
        print(
            json.dumps({"company": str(company.id), "name": company.name, "kept": True}, ensure_ascii=False)
        )
    else:
        echo(msg("{name} is kept."), name=company.name)


def verify_audit(settings: Settings, *, name: str, echo: Echo, as_json: bool) -> int:
    """Verify the audit trail of a company; returns the exit code, BROKEN where it does not hold."""

    async def work(databases: Databases, company: Company) -> Verified:
        async with databases.tenant_read(company.ref) as read:
            return await verify(read)

    found = _with(settings, name, work)
    if as_json:
        print(json.dumps(_verified(found), ensure_ascii=False))
    elif found.broken is None:
        echo(
            msg(
                "The trail is whole: {sealed} entries under {seals} seals, {unsealed} wait for theirs, {erased} erased."
            ),
            sealed=found.sealed,
            seals=found.seals,
            unsealed=found.unsealed,
            erased=found.erased,
        )
    else:
        echo(
            msg("The trail is broken: {kind}, entries {first} to {last}."),
            kind=found.broken.kind,
            first=found.broken.first_sequence,
            last=found.broken.last_sequence,
        )
    return 0 if found.intact else BROKEN


def _verified(found: Verified) -> dict[str, object]:
    broken = found.broken
    return {
        "intact": found.intact,
        "seals": found.seals,
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "erased": found.erased,
        "until": found.until.isoformat() if found.until else None,
        "chain": found.chain.hex(),
        "broken": broken
        and {
            "kind": broken.kind,
            "minute": broken.minute.isoformat() if broken.minute else None,
            "firstSequence": broken.first_sequence,
            "lastSequence": broken.last_sequence,
        },
    }
