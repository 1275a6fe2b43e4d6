"""What a new company finds in its schema: its owner, a department, a working week, and each feature's defaults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.working_calendar import usual_weekend
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.grading.schemes import seed_grading
from kedang_tenants.opening.criteria import seed_criteria
from kedang_tenants.people.calendar import WEEKDAYS
from kedang_tenants.people.member_rows import NewRow, creation
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.service.standards import seed_standards
from kedang_tenants.surveys.templates import seed_questionnaires
from kedang_tenants.verification.cycles import seed_cycles


@dataclass(frozen=True, slots=True)
class Owner:
    """The person who signed the company up."""

    member_id: UUID
    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What every step may know of the company that is being opened."""

    company: Company
    owner: Owner


Step: TypeAlias = Callable[[TenantWrite, Viewer, Opening, Clock], Awaitable[None]]


async def open_company(write: TenantWrite, company: Company, owner: Owner, *, clock: Clock) -> None:
    """Put the defaults into the company's schema, all or nothing; one that has them is left as it is."""
    if await write.fetchval("SELECT id FROM member LIMIT 1") is not None:
        return
    viewer = await system_viewer(write, company=company)
    opening = Opening(company, owner)
    for step in STEPS:
        await step(write, viewer, opening, clock)


async def seed_people(write: TenantWrite, viewer: Viewer, opening: Opening, clock: Clock) -> None:
    """One department, and the owner in it."""
    name = translate(msg("Head office"), opening.company.language)
    department = Change("department", "create", id=new_id(), values={"name": name})
    owner = opening.owner
    row = NewRow(
        name=owner.name,
        email=owner.email,
        roles=("OWNER",),
        language=language_code(owner.language),
        department_id=department.id,
    )
    member = creation(owner.member_id, row, seat="full", state="active")
    await change_internally(write, viewer, [department, member], clock=clock)


async def seed_calendar(write: TenantWrite, viewer: Viewer, opening: Opening, clock: Clock) -> None:
    """The weekend that is usual in the country; public holidays and make-up days are looked up, not stored."""
    rest = [WEEKDAYS[number].code for number in sorted(usual_weekend(opening.company.country))]
    week = Change("working_week", "create", values={"weekend": rest})
    await change_internally(write, viewer, [week], clock=clock)


async def seed_grades(write: TenantWrite, viewer: Viewer, _opening: Opening, clock: Clock) -> None:
    """The grade scheme A-E, as a draft."""
    await seed_grading(write, viewer, clock=clock)


async def seed_surveys(write: TenantWrite, viewer: Viewer, _opening: Opening, clock: Clock) -> None:
    """The questionnaires after a sale, after a service and on a visit, as drafts."""
    await seed_questionnaires(write, viewer, clock=clock)


async def seed_service(write: TenantWrite, viewer: Viewer, _opening: Opening, clock: Clock) -> None:
    """How soon requests are to be answered and solved, by priority."""
    await seed_standards(write, viewer, clock=clock)


async def seed_verification(write: TenantWrite, viewer: Viewer, _opening: Opening, clock: Clock) -> None:
    """How often archives are to be verified."""
    await seed_cycles(write, viewer, clock=clock)


async def seed_lists(write: TenantWrite, viewer: Viewer, _opening: Opening, clock: Clock) -> None:
    """The criteria of selection and of bad customers and the checklists of service, in force."""
    await seed_criteria(write, viewer, clock=clock)


STEPS: tuple[Step, ...] = (
    seed_people,
    seed_calendar,
    seed_grades,
    seed_surveys,
    seed_service,
    seed_verification,
    seed_lists,
)
"""What is done for a new company, in this order; a feature with defaults adds its step here."""
