"""An archive to be read by everybody who is measured: a department, its members, customers and contacts.

Written by SQL, since what is measured is reading: 1,000 companies have it in a few seconds.
"""

from dataclasses import dataclass
from uuid import UUID

from kedang_platform.database import Databases
from kedang_platform.registry import Company
from tests.support.factories import Factory
from tests.support.members import TestMember, make_member

CUSTOMERS = 2_000
MEMBERS = 10
CONTACTS = 10

_CUSTOMERS = """
INSERT INTO customer (id, created_at, updated_at, version, number, name, name_sort, directory, roles, state, direct,
    owner_id, city, industry, phone, email, website, source, custom, search_text, search_tokens)
SELECT md5('customer' || n)::uuid, now(), now(), 1, 'C' || n, 'Customer ' || md5(n::text), 'customer ' || md5(n::text), 'COMPANY',
    '{BUYER}', CASE n % 3 WHEN 0 THEN 'CURRENT' ELSE 'PROSPECTIVE' END, true,
    ($1::uuid[])[1 + n % array_length($1::uuid[], 1)], (ARRAY['Berlin', '上海', 'London', 'Lyon', '杭州'])[1 + n % 5], 'Trade',
    '030-0074321', 'c' || n || '@northwind.example', 'https://northwind.example/' || n, 'Fair', '{}', '', '{}'
FROM generate_series(1, $2) n
"""
_CONTACTS = """
INSERT INTO contact (id, created_at, updated_at, version, customer_id, name, name_sort, phone, head_of_department, "primary", custom, search_text, search_tokens)
SELECT md5(c.id::text || n)::uuid, now(), now(), 1, c.id, 'Contact ' || n, 'contact ' || n, '030-0074321', false, false, '{}', '', '{}'
FROM customer c CROSS JOIN generate_series(1, $1) n
"""


@dataclass(frozen=True)
class Archive:
    """Who asks, and whose customers they see."""

    asker: TestMember
    members: tuple[UUID, ...]


async def fill(
    databases: Databases, company: Company, owners: list[UUID], *, customers: int, contacts: int
) -> None:
    """Customers of these owners, with contacts, and statistics on them."""
    async with databases.tenant_write(company.ref) as write:
        await write.fetch(_CUSTOMERS, owners, customers)
        if contacts:
            await write.fetch(_CONTACTS, contacts)
    async with databases.owner() as owner:
        schema = company.ref.schema
        await owner.execute(f'ANALYZE "{schema}".customer, "{schema}".contact, "{schema}".member')


async def department_with_customers(databases: Databases, company: Company) -> Archive:
    """A department's manager, its members, and their customers among those of a second department."""
    make = Factory(databases, company)
    ours, theirs = [await make.one("department", name=name) for name in ("Sales", "Export")]
    manager = await make_member(databases, company, "DEPARTMENT_MANAGER", department_id=ours)
    members = [
        (await make_member(databases, company, "REPRESENTATIVE", name=f"Person {n}", department_id=ours)).id
        for n in range(MEMBERS)
    ]
    other = await make_member(databases, company, "REPRESENTATIVE", department_id=theirs)
    await fill(databases, company, [*members, *members, other.id], customers=CUSTOMERS, contacts=CONTACTS)
    return Archive(manager, (*members, manager.id))


async def representative_with_customers(databases: Databases, company: Company) -> Archive:
    """A representative who owns all customers and may only read names of the department's other ones.

    So each field but the names is masked in every row that is not the asker's, and none of these rows is there: the
    work of scope and masks is done, and everybody is answered alike.
    """
    sales = await Factory(databases, company).one("department", name="Sales")
    asker = await make_member(databases, company, "REPRESENTATIVE", department_id=sales)
    colleague = await make_member(databases, company, "REPRESENTATIVE", department_id=sales)
    await fill(databases, company, [asker.id], customers=CUSTOMERS, contacts=CONTACTS)
    return Archive(asker, (asker.id, colleague.id))
