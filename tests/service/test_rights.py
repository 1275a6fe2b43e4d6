"""Who sees, reads, opens and changes requests, row by row of the policy; and who reads their files."""

import pytest

from kedang_platform.errors import NotFound, Refused
from kedang_platform.files import StoredFile
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, change
from kedang_tenants.files import keep_file, visible_content
from kedang_tenants.files.operations import AttachedTo
from kedang_tenants.reading import Listing, Page, Select, read_listing

# What each role sees of, reads, changes, archives: a request of an own customer, one of a colleague's customer,
# one of neither. "o" own, "c" colleague's, "n" neither; and the requests that may be opened.
ROWS = {
    "OWNER": ("ocn", "ocn", "ocn", "ocn", "ocn"),
    "ADMIN": ("ocn", "ocn", "ocn", "ocn", "ocn"),
    "GENERAL_MANAGER": ("ocn", "ocn", "", "", ""),
    "DEPARTMENT_MANAGER": ("oc", "oc", "oc", "", "oc"),
    "REPRESENTATIVE": ("o", "o", "", "", "o"),
    "ACCOUNT_MANAGER": ("o", "o", "", "", "o"),
    "SERVICE_AGENT": ("ocn", "oc", "oc", "oc", "ocn"),
    "FINANCE": ("", "", "", "", ""),
    "ARCHIVE_KEEPER": ("ocn", "ocn", "", "", ""),
    "MARKETER": ("ocn", "ocn", "", "", ""),
    "VIEW_ONLY": ("ocn", "ocn", "", "", ""),
}


async def listed(desk, viewer, record, *fields):
    async with desk.shop.databases.tenant_read(desk.shop.company.ref) as read:
        found = await read_listing(read, viewer, Listing(record, Select(fields), Page(50)))
    places = [found.layout.fields[name] for name in fields]
    return sorted((tuple(row[place] for place in places) for row in found.page.rows), key=lambda one: one[0])


async def taken(desk, viewer, action, record_id=None, **values):
    """Whether a change is taken; it is undone either way."""
    one = Change("service_request", action, record_id, values=values)
    try:
        async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
            await change(write, viewer, [one], clock=desk.shop.clock)
            raise Undone
    except Undone:
        return True
    except Refused:
        return False


class Undone(Exception):
    pass


@pytest.mark.requirement("S1", "A11")
@pytest.mark.parametrize("role", ROWS)
async def test_the_policy_row_of_service_requests(desk, role):
    shop = desk.shop
    sales = await shop.value("SELECT id FROM department WHERE name = 'Sales'")
    seat = "VIEW_ONLY" if role == "VIEW_ONLY" else "FULL"
    member = await shop.hire("Robert", role, department_id=sales, seat=seat)
    viewer = await shop.as_member(member)
    customers = {
        "o": await shop.create("customer", name="Own", owner_id=member),
        "c": desk.customer,  # Nancy's, of the same department
        "n": await shop.create("customer", name="Neither"),
    }
    requests = {
        key: await desk.open(customer_id=customer, title=key, description=key, owner_id=desk.people["Laura"])
        for key, customer in customers.items()
    }
    sees, reads, changes, archives, opens = ROWS[role]
    found = await listed(desk, viewer, "service_request", "title", "description")
    assert found == [(key, key if key in reads else None) for key in sorted(sees)]
    for key, request in requests.items():
        assert await taken(desk, viewer, "update", request, title="new") is (key in changes), key
        assert await taken(desk, viewer, "archive", request) is (key in archives), key
        opened = await taken(
            desk, viewer, "create", customer_id=customers[key], kind="WISH", title="x", channel="PHONE"
        )
        assert opened is (key in opens), key


@pytest.mark.requirement("S1", "A11")
async def test_notes_and_repairs_are_read_as_far_as_their_request_and_customer(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    await desk.do("note", request, kind="INTERNAL", text="secret")
    await desk.shop.create(
        "repair_record", customer_id=desk.customer, request_id=request, fault="Leaks", serial_number="7"
    )
    sales = await desk.shop.value("SELECT id FROM department WHERE name = 'Sales'")
    stranger = await desk.shop.hire("Margaret", "REPRESENTATIVE")
    agent = await desk.shop.hire("Agent", "SERVICE_AGENT", department_id=sales)
    finance = await desk.shop.hire("Finance", "FINANCE")
    expected = {
        desk.people["Laura"]: (["secret"], ["Leaks"]),
        desk.people["Nancy"]: (["secret"], ["Leaks"]),
        agent: (["secret"], ["Leaks"]),  # of the department of the customer's owner
        stranger: ([], []),
        finance: ([], []),
    }
    for member, (notes, faults) in expected.items():
        viewer = await desk.shop.as_member(member)
        assert [row[0] for row in await listed(desk, viewer, "service_note", "text")] == notes
        assert [row[0] for row in await listed(desk, viewer, "repair_record", "fault")] == faults


@pytest.mark.requirement("A17", "S1")
async def test_a_file_of_a_request_is_read_by_whoever_reads_the_request(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    alone = await kept(desk, desk.people["Laura"], None)
    attached = await kept(desk, desk.people["Laura"], AttachedTo("service_request", request))
    of_customer = await kept(desk, desk.people["Andrew"], AttachedTo("customer", desk.customer))
    stranger = await desk.shop.hire("Margaret", "REPRESENTATIVE")
    finance = await desk.shop.hire("Finance", "FINANCE")
    expected = {
        desk.people["Laura"]: {alone, attached, of_customer},
        desk.people["Michael"]: {attached, of_customer},  # an agent of the same department
        desk.people["Nancy"]: {attached, of_customer},  # the customer's owner
        finance: {of_customer},  # reads customers, but no requests
        stranger: set(),
        desk.people["Andrew"]: {alone, attached, of_customer},
    }
    for member, files in expected.items():
        viewer = await desk.shop.as_member(member)
        assert {row[0] for row in await listed(desk, viewer, "file", "name")} == {f"{f}.txt" for f in files}
        async with desk.shop.databases.tenant_read(desk.shop.company.ref) as read:
            for file in (alone, attached, of_customer):
                if file in files:
                    assert (await visible_content(read, viewer, file_id=file)).id == file
                else:
                    with pytest.raises(NotFound):
                        await visible_content(read, viewer, file_id=file)


async def kept(desk, member, attached_to):
    """A stored file, called by its id."""
    async with desk.shop.databases.tenant_write(desk.shop.company.ref) as write:
        file = await keep_file(
            write,
            await desk.shop.product(),
            name="x.txt",
            stored=StoredFile(new_id(), 3, "0" * 64),
            member_id=member,
            attached_to=attached_to,
            clock=desk.shop.clock,
        )
        await write.fetch("UPDATE file SET name = $2 WHERE id = $1", file, f"{file}.txt")
    return file


@pytest.mark.requirement("A17")
async def test_who_may_no_longer_see_the_record_no_longer_sees_the_file_they_sent(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    nancy = desk.people["Nancy"]
    file = await kept(desk, nancy, AttachedTo("service_request", request))
    await desk.shop.update("customer", desk.customer, owner_id=desk.people["Steven"])
    viewer = await desk.shop.as_member(nancy)
    assert await listed(desk, viewer, "file", "name") == []
    async with desk.shop.databases.tenant_read(desk.shop.company.ref) as read:
        with pytest.raises(NotFound):
            await visible_content(read, viewer, file_id=file)
