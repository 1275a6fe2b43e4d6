"""What ``kedang company list|show|suspend|resume`` do."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.embedded import Echo
from kedang_platform.i18n import msg
from kedang_platform.registry import CompanyOverview, list_companies, overview_of
from kedang_platform.settings import Settings
from kedang_tenants.people.suspending import resume_company, suspend_company
from kedang_workers.cli.reaching import account, reach


def show_all(settings: Settings, *, echo: Echo, as_json: bool) -> None:
    """Tell every company in a line, or as one JSON list."""

    async def work(databases: Databases) -> list[CompanyOverview]:
        async with databases.control_read() as read:
            return await list_companies(read)

    companies = reach(settings, work)
    if as_json:
        print(json.dumps([told(company) for company in companies], ensure_ascii=False))
        return
    for company in companies:
        echo(
            "{id}  {status}  {name}  {seats}",
            id=company.id,
            status=_state(company),
            name=company.name,
            seats=f"{company.full_seats}/{company.free_seats + company.paid_seats}",
        )


def show(settings: Settings, *, name: str, echo: Echo, as_json: bool) -> None:
    """Tell everything that the installation knows of one company. Raises NotFound, CompanyAmbiguous."""

    async def work(databases: Databases) -> CompanyOverview:
        async with databases.control_read() as read:
            return await overview_of(read, name=name)

    _tell(reach(settings, work), echo=echo, as_json=as_json)


def suspend(
    settings: Settings, *, name: str, reason: str, operator: str | None, echo: Echo, as_json: bool
) -> None:
    """Suspend the company and tell how it stands. Raises as ``suspend_company``."""

    async def work(databases: Databases) -> CompanyOverview:
        async with databases.control_read() as read:
            found = await overview_of(read, name=name)
        await suspend_company(
            databases,
            company_id=found.id,
            reason=reason,
            operator=operator or account(),
            clock=SystemClock(),
        )
        async with databases.control_read() as read:
            return await overview_of(read, name=str(found.id))

    _tell(reach(settings, work), echo=echo, as_json=as_json)


def resume(settings: Settings, *, name: str, operator: str | None, echo: Echo, as_json: bool) -> None:
    """Resume the company and tell how it stands. Raises as ``resume_company``."""

    async def work(databases: Databases) -> CompanyOverview:
        async with databases.control_read() as read:
            found = await overview_of(read, name=name)
        await resume_company(
            databases, company_id=found.id, operator=operator or account(), clock=SystemClock()
        )
        async with databases.control_read() as read:
            return await overview_of(read, name=str(found.id))

    _tell(reach(settings, work), echo=echo, as_json=as_json)


def told(company: CompanyOverview) -> dict[str, object]:
    """The stable shape of a company in JSON: see docs/operations.md."""
    return {_camel(name): _plain(value) for name, value in asdict(company).items()}


def _tell(company: CompanyOverview, *, echo: Echo, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told(company), ensure_ascii=False))
        return
    echo(msg("{name} ({id}): {status}"), name=company.name, id=company.id, status=_state(company))
    if company.suspended_reason and company.suspended_at:
        echo(
            msg("  suspended since {instant}: {reason}"),
            instant=company.suspended_at.isoformat(timespec="seconds"),
            reason=company.suspended_reason,
        )
    if company.quiet:
        echo(msg("  quiet: restored from a backup, its recurring rules rest until `kedang company resume`"))
    echo(
        msg("  members {members}, invited {invited}; full seats {full} of {capacity}"),
        members=company.members,
        invited=company.invited,
        full=company.full_seats,
        capacity=company.free_seats + company.paid_seats,
    )
    echo(
        msg("  jobs: {open} open, {dead} given up; schema {schema} at revision {revision}"),
        open=company.open_jobs,
        dead=company.dead_jobs,
        schema=company.schema,
        revision=company.revision,
    )
    if company.error:
        echo(msg("  its last migration failed: {error}"), error=company.error)


def _state(company: CompanyOverview) -> str:
    return f"{company.status}, quiet" if company.quiet else company.status


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.title() for part in others)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
