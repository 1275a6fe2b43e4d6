"""Everybody may do what the policy's table says, and nothing else: every role on every record, near and far, tried out."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from kedang_platform.database import TenantWrite
from kedang_platform.errors import Refused
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change
from kedang_tenants.people.policy import DEFAULT_POLICY
from kedang_tenants.reading import Lookup, Scope, Select, Viewer, read_lookup
from tests.support.factories import Factory
from tests.support.members import make_member, viewer_of

# The policy's table for what stands today: C create, R read, N names only, U change, X archive and restore;
# *all, dept, own* as it has them.
_ARCHIVE, _TRADE = ("customer", "contact", "customer_tag"), ("order", "order_line", "delivery")
_VISITS, _GOODS_NAMES = ("follow_up_plan", "follow_up_record"), ("product", "product_category")
_SET_UP_NAMES = ("grade_scheme", "grade_level", "custom_field", "calendar_day")
RECORDS = (*_ARCHIVE, "tag", *_TRADE, *_GOODS_NAMES, *_VISITS, *_SET_UP_NAMES, "member", "department")
_ALL = dict.fromkeys(RECORDS, "CRUX all") | {"member": "RU all"}
_SET_UP = dict.fromkeys(_SET_UP_NAMES, "R all")
_PEOPLE = {"member": "N all", "department": "N all"}
_GOODS = dict.fromkeys(_GOODS_NAMES, "R all")


def _rows(archive: str, trade: str, visits: str, tag: str, **more: str) -> dict[str, str]:
    return {
        **_SET_UP,
        **_PEOPLE,
        **_GOODS,
        **dict.fromkeys(_ARCHIVE, archive),
        **dict.fromkeys(_TRADE, trade),
        **dict.fromkeys(_VISITS, visits),
        "tag": tag,
        **more,
    }


_SELLER = _rows("CRU own, N dept", "CRU own", "CRU own", "CRU all")
POLICY: dict[str, dict[str, str]] = {
    "OWNER": _ALL,
    "ADMIN": _ALL,
    "GENERAL_MANAGER": _rows("R all", "R all", "R all", "R all", member="R all", department="R all"),
    "DEPARTMENT_MANAGER": _rows(
        "CRUX dept", "CRUX dept", "CRUX dept", "CRU all", member="R dept, N all", department="N all"
    ),
    "REPRESENTATIVE": _SELLER,
    "ACCOUNT_MANAGER": _SELLER,
    "SERVICE_AGENT": _rows("R all", "R all", "CRU own", "CRU all"),
    "FINANCE": _rows("R all", "R all", "", "CRU all"),
    "ARCHIVE_KEEPER": _rows("CRUX all", "R all", "R all", "CRUX all"),
    "MARKETER": _rows("R all", "R all", "R all", "CRU all"),
    "VIEW_ONLY": _rows("R all", "R all", "R all", "R all"),
}
SENSITIVE: dict[
    str, dict[str, str]
] = {  # where a telephone number of a contact, the cost of a product is told
    "OWNER": {"phone": "all", "cost": "all"},
    "ADMIN": {"phone": "all", "cost": "all"},
    "GENERAL_MANAGER": {"phone": "all", "cost": "all"},
    "DEPARTMENT_MANAGER": {"phone": "dept"},
    "REPRESENTATIVE": {"phone": "own"},
    "ACCOUNT_MANAGER": {"phone": "own"},
    "SERVICE_AGENT": {"phone": "all"},
    "FINANCE": {"cost": "all"},
    "ARCHIVE_KEEPER": {"phone": "all"},
    "MARKETER": {},
    "VIEW_ONLY": {},
}
# What may be taken out as a file.
EXPORTED: dict[str, dict[str, Scope]] = {
    "OWNER": dict.fromkeys(RECORDS, Scope.ALL),
    "ADMIN": dict.fromkeys(RECORDS, Scope.ALL),
    "GENERAL_MANAGER": dict.fromkeys((*_ARCHIVE, "tag", *_GOODS_NAMES), Scope.ALL),
    "DEPARTMENT_MANAGER": dict.fromkeys((*_ARCHIVE, *_TRADE), Scope.DEPARTMENT)
    | dict.fromkeys(_GOODS_NAMES, Scope.ALL),
    "ARCHIVE_KEEPER": dict.fromkeys((*_ARCHIVE, "tag"), Scope.ALL),
}
PLACES = ("own", "near", "far")
_REACH = {"all": PLACES, "dept": ("own", "near"), "own": ("own",)}
# Their reach does not depend on an owner: only "all" reaches them.
OWNERLESS = {
    "tag",
    "product",
    "product_category",
    "grade_scheme",
    "grade_level",
    "custom_field",
    "calendar_day",
}
# What "R" shows beyond the names, to tell the two apart.
TELLING = {
    "customer": "note",
    "contact": "note",
    "customer_tag": "tag_id",
    "order": "ordered_on",
    "order_line": "quantity",
    "delivery": "carrier",
    "product": "note",
    "product_category": "description",
    "follow_up_plan": "due_on",
    "follow_up_record": "content",
    "grade_scheme": "measure",
    "grade_level": "exclusive",
    "calendar_day": "kind",
    "member": "roles",
}
CHANGED = {"customer_tag": None, "member": "title", "custom_field": "position"}


def allowed(role: str, record: str, letter: str, place: str) -> bool:
    for part in POLICY[role].get(record, "").split(", "):
        letters, _, reach = part.partition(" ")
        if letter in letters and place in _REACH[reach]:
            return True
    return False


@dataclass
class Ground:
    """For one viewer: each kind of record once their own, once a colleague's, once a stranger's."""

    viewer: Viewer
    records: dict[tuple[str, str], UUID]
    factory: Factory


async def ground(databases, company, role: str) -> Ground:
    factory = Factory(databases, company)
    unit, elsewhere = await factory.many("department", [{"name": "Here"}, {"name": "There"}])
    seat = "VIEW_ONLY" if role == "VIEW_ONLY" else "FULL"
    people = {
        "own": await make_member(databases, company, role, seat=seat, department_id=unit),
        "near": await make_member(databases, company, department_id=unit),
        "far": await make_member(databases, company, department_id=elsewhere),
    }
    records: dict[tuple[str, str], UUID] = {}
    for place, member in people.items():
        records |= {(name, place): made for name, made in (await _things(factory, member.id)).items()}
        records["member", place] = member.id
    return Ground(await viewer_of(databases, people["own"]), records, factory)


async def _things(factory: Factory, owner: UUID) -> dict[str, UUID]:
    made: dict[str, UUID] = {}
    made["customer"] = customer = await factory.one("customer", owner_id=owner, note="told")
    made["contact"] = await factory.one("contact", customer_id=customer, phone="030-0074321", note="told")
    made["tag"] = await factory.one("tag")
    made["customer_tag"] = await factory.one("customer_tag", customer_id=customer, tag_id=made["tag"])
    made["order"] = await factory.one("order", customer_id=customer)
    made["product_category"] = await factory.one("product_category", description="told")
    made["product"] = await factory.one("product", cost=1, note="told")
    made["order_line"] = await factory.one("order_line", order_id=made["order"], product_id=made["product"])
    made["delivery"] = await factory.one("delivery", order_id=made["order"], carrier="told")
    made["follow_up_plan"] = await factory.one("follow_up_plan", customer_id=customer, owner_id=owner)
    made["follow_up_record"] = await factory.one("follow_up_record", customer_id=customer, content="told")
    made["grade_scheme"] = await factory.one("grade_scheme")
    made["grade_level"] = await factory.one("grade_level", scheme_id=made["grade_scheme"])
    for name in ("custom_field", "calendar_day", "department"):
        made[name] = await factory.one(name)
    return made


async def may_change(write: TenantWrite, ground: Ground, wanted: Change) -> bool:
    """Try it and undo it."""
    try:
        async with write.savepoint():
            await change(write, ground.viewer, [wanted], clock=ground.factory.clock)
            raise _UndoneError
    except _UndoneError:
        return True
    except Refused as refused:
        if {error.code for error in refused.errors} <= {"FORBIDDEN", "NOT_FOUND"}:
            return False
        raise


class _UndoneError(Exception):
    pass


async def reads(write: TenantWrite, ground: Ground, record: str, place: str, field: str) -> str:
    """ "R" where the viewer reads the field of the record, "N" where only its name, "" where nothing of it."""
    lookup = Lookup(record, (ground.records[record, place],), Select((field,)))
    found = await read_lookup(write, ground.viewer, lookup)
    if not found.page.rows:
        return ""
    return "N" if found.page.rows[0][found.layout.fields[field]] is None else "R"


async def new_values(ground: Ground, record: str, place: str) -> dict[str, object]:
    """A valid new record that would belong to this place."""
    values: dict[str, object] = {}
    parents = {
        "contact": "customer",
        "customer_tag": "customer",
        "order": "customer",
        "order_line": "order",
        "delivery": "order",
        "follow_up_record": "customer",
    }
    if record in parents:
        values[f"{parents[record]}_id"] = ground.records[parents[record], place]
    if record in {"customer", "follow_up_plan"}:
        values["owner_id"] = ground.records["member", place]
    if record == "follow_up_plan":
        values["customer_id"] = ground.records["customer", "own"]
    if record == "customer_tag":
        values["tag_id"] = await ground.factory.one("tag")
    if record == "grade_level":
        values["scheme_id"] = ground.records["grade_scheme", place]
    return await ground.factory.complete(catalogue().record(record), values)


@pytest.mark.requirement("A11", "T2")
@pytest.mark.parametrize("role", POLICY)
async def test_every_role_may_do_what_the_table_says(databases, company, role):
    there = await ground(databases, company, role)
    prepared = {
        (record, place): await new_values(there, record, place)
        for record in RECORDS
        if "create" in catalogue().record(record).actions
        for place in PLACES
    }
    tried = 0
    async with databases.tenant_write(company.ref) as write:
        for record in RECORDS:
            actions = catalogue().record(record).actions
            for place in PLACES:
                if record in TELLING:
                    found = await reads(write, there, record, place, TELLING[record])
                    expected = "R" if allowed(role, record, "R", place) else ""
                    expected = expected or ("N" if allowed(role, record, "N", place) else "")
                    assert found == expected, (role, record, place, "read")
                for letter, wanted in _attempts(there, record, place, prepared):
                    if wanted.action not in actions:
                        continue
                    may = await may_change(write, there, wanted)
                    assert may is allowed(role, record, letter, place), (role, record, place, wanted.action)
                    tried += 1
    assert tried > 120


def _attempts(there: Ground, record: str, place: str, prepared) -> list[tuple[str, Change]]:
    known = there.records[record, place]
    field = CHANGED.get(record, "name" if "name" in catalogue().record(record).fields else None)
    values = {field: {"position": 5}.get(field, "Changed")} if field else {}
    if record == "grade_level":
        values = {"position": 7}
    attempts = [
        ("U", Change(record, "update", known, values=values)),
        ("X", Change(record, "archive", known)),
    ]
    if (record, place) in prepared:
        attempts.append(("C", Change(record, "create", values=prepared[record, place])))
    return attempts


@pytest.mark.requirement("A11")
@pytest.mark.parametrize("role", POLICY)
async def test_sensitive_fields_are_told_where_the_table_says(databases, company, role):
    there = await ground(databases, company, role)
    async with databases.tenant_write(company.ref) as write:
        for kind, record, field in (("phone", "contact", "phone"), ("cost", "product", "cost")):
            for place in PLACES:
                reach = SENSITIVE[role].get(kind)
                told = reach is not None and place in _REACH[reach]
                found = await reads(write, there, record, place, field)
                assert (found == "R") is told, (role, record, field, place)


@pytest.mark.requirement("T3", "A11")
@pytest.mark.parametrize("role", sorted(set(POLICY) - {"VIEW_ONLY"}))
async def test_without_a_seat_nothing_is_changed_whatever_the_role(databases, company, role):
    factory = Factory(databases, company)
    member = await make_member(databases, company, role, seat="VIEW_ONLY")
    viewer = await viewer_of(databases, member)
    customer = await factory.one("customer", owner_id=member.id)
    there = Ground(viewer, {}, factory)
    async with databases.tenant_write(company.ref) as write:
        for wanted in (
            Change("customer", "create", values={"name": "X"}),
            Change("customer", "update", customer, values={"name": "X"}),
            Change("customer", "archive", customer),
            Change("tag", "create", values={"name": "X"}),
        ):
            assert not await may_change(write, there, wanted), wanted


@pytest.mark.requirement("A11")
async def test_of_two_roles_each_reaches_as_far_as_it_does_alone(databases, company):
    there = await ground(databases, company, "FINANCE")
    seller = DEFAULT_POLICY["REPRESENTATIVE"]["customer"]
    both = replace(there.viewer.access["customer"], create=seller.create, update=seller.update)
    assert both.read > seller.read
    member = await make_member(databases, company, "FINANCE", "REPRESENTATIVE")
    assert (await viewer_of(databases, member)).access["customer"].update == seller.update
    assert (await viewer_of(databases, member)).access["customer"].read == both.read


@pytest.mark.requirement("A9", "A11")
async def test_only_whom_the_table_names_takes_records_out_as_a_file():
    for role, table in DEFAULT_POLICY.items():
        reach = {record: table[record].export for record in RECORDS if record in table}
        assert {r: s for r, s in reach.items() if s is not Scope.NONE} == EXPORTED.get(role, {}), role


async def test_every_record_and_every_role_stands_in_the_policy():
    known = {record.name for record in catalogue()}
    assert set(POLICY) == set(DEFAULT_POLICY)
    for role, table in DEFAULT_POLICY.items():
        assert set(table) <= known, role
    assert set(DEFAULT_POLICY["OWNER"]) == known
