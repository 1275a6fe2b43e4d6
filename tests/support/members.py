"""Members with roles of one's choice and API keys for them, without the way through mail and passwords."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.identity.api_keys import create_api_key
from kedang_platform.identity.tables import membership, person
from kedang_platform.ids import new_id
from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.policy import DEFAULT_POLICY
from kedang_tenants.people.viewers import load_viewer, system_viewer
from kedang_tenants.reading import Viewer


@dataclass(frozen=True)
class TestMember:
    __test__ = False

    id: UUID
    person_id: UUID
    company: Company


async def make_member(
    databases: Databases,
    company: Company,
    *roles: str,
    name: str = "Nancy Davolio",
    seat: str = "FULL",
    department_id: UUID | None = None,
    clock: Clock | None = None,
) -> TestMember:
    """An active member with these roles; what the platform knows of them stands too."""
    member_id, person_id = new_id(), new_id()
    email = f"{member_id.hex}@northwind.example"
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        values = {
            "name": name,
            "email": email,
            "roles": [role for role in roles if role in DEFAULT_POLICY],
            "own_roles": [role for role in roles if role not in DEFAULT_POLICY] or None,
            "state": "ACTIVE",
            "seat": seat,
            "department_id": department_id,
        }
        change = Change("member", "create", member_id, values=values)
        await change_internally(write, viewer, [change], clock=clock or SystemClock())
    now = datetime.now(UTC)
    async with databases.control() as control:
        await control.execute(
            insert(person).values(
                id=person_id, email=email, name=name, language="en", confirmed_at=now, created_at=now
            )
        )
        await control.execute(
            insert(membership).values(
                person_id=person_id,
                company_id=company.id,
                member_id=member_id,
                seat="full" if seat == "FULL" else "none",
                state="active",
                created_at=now,
            )
        )
    return TestMember(member_id, person_id, company)


async def make_key(
    databases: Databases, member: TestMember, *, key: SecretKey, scopes: tuple[str, ...] = ("read", "write")
) -> str:
    """An API key of the member, as it stands in the Authorization header."""
    async with databases.control() as control:
        made = await create_api_key(
            control,
            company_id=member.company.id,
            member_id=member.id,
            name="test",
            scopes=scopes,
            expires_at=None,
            environment="test",
            key=key,
            now=datetime.now(UTC),
        )
    return made.text


async def viewer_of(databases: Databases, member: TestMember) -> Viewer:
    async with databases.tenant_read(member.company.ref) as read:
        viewer = await load_viewer(read, company=member.company, member_id=member.id)
    assert viewer is not None
    return viewer
