"""What is refused, by which code and path; and that after any refusal the company is what it was, byte for byte."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from uuid import uuid4

import pytest

from kedang_platform.errors import Refused
from kedang_tenants.changing import Change, change
from kedang_tenants.reading import Scope
from tests.changing.world import World, make_world
from tests.support.database import make_company
from tests.support.digests import digests

Told = tuple[str, tuple[str | int, ...]]
Case = tuple[str, Callable[[World], Sequence[Change]], Sequence[Told]]
IN = ("input",)


def create(record: str, **values: object) -> Callable[[World], list[Change]]:
    return lambda _: [Change(record, "create", values=values)]


def customer(**values: object) -> Callable[[World], list[Change]]:
    return create("customer", **{"name": "New", **values})


def update(person: str, record: str = "customer", **values: object) -> Callable[[World], list[Change]]:
    def made(world: World) -> list[Change]:
        known = world.customers if record == "customer" else world.contacts
        return [Change(record, "update", known[person], values=values)]

    return made


def act(action: str, person: str) -> Callable[[World], list[Change]]:
    return lambda world: [Change("customer", action, world.customers[person])]


def wrong(code: str, field: str) -> list[Told]:
    return [(code, ("input", field))]


FORBIDDEN: list[Told] = [("FORBIDDEN", IN)]
NOT_FOUND: list[Told] = [("NOT_FOUND", ("input", "id"))]

CASES: dict[str, Case] = {
    # Who may do it at all
    "a view-only member creates nothing": ("onlooker", customer(), FORBIDDEN),
    "a member without a role creates nothing": ("nobody", customer(), FORBIDDEN),
    "a member without a role does not learn that a record exists": ("nobody", update("owner"), FORBIDDEN),
    "finance changes no customer": ("finance", update("finance", name="X"), FORBIDDEN),
    "a general manager reads only": ("general manager", act("archive", "owner"), FORBIDDEN),
    "a representative archives nothing": ("representative", act("archive", "representative"), FORBIDDEN),
    "nobody creates members by the generic way": ("owner", create("member", name="X"), FORBIDDEN),
    "a tag of a customer is not changed, but taken off": (
        "owner",
        lambda w: [Change("customer_tag", "update", uuid4(), values={})],
        FORBIDDEN,
    ),
    # Which records
    "a record that does not exist": (
        "owner",
        lambda w: [Change("customer", "update", uuid4(), values={"name": "X"})],
        NOT_FOUND,
    ),
    "a record of another kind": (
        "owner",
        lambda w: [Change("customer", "update", w.contacts["owner"], values={"name": "X"})],
        NOT_FOUND,
    ),
    "another department's customer is not found": ("representative", update("stranger", name="X"), NOT_FOUND),
    "a colleague's customer is seen by name, not changed": (
        "representative",
        update("colleague", name="X"),
        FORBIDDEN,
    ),
    "a manager does not reach into another department": ("manager", act("archive", "stranger"), NOT_FOUND),
    "another department's contact is not found": (
        "representative",
        update("stranger", "contact", title="X"),
        NOT_FOUND,
    ),
    # Whose a new record would be
    "a customer for a colleague": (
        "representative",
        lambda w: [Change("customer", "create", values={"name": "X", "owner_id": w.people["colleague"].id})],
        wrong("FORBIDDEN", "ownerId"),
    ),
    "a manager's new customer for another department": (
        "manager",
        lambda w: [Change("customer", "create", values={"name": "X", "owner_id": w.people["stranger"].id})],
        wrong("FORBIDDEN", "ownerId"),
    ),
    "a contact at a colleague's customer": (
        "representative",
        lambda w: [
            Change("contact", "create", values={"name": "X", "customer_id": w.customers["colleague"]})
        ],
        wrong("FORBIDDEN", "customerId"),
    ),
    "a contact at a customer that one does not see": (
        "representative",
        lambda w: [Change("contact", "create", values={"name": "X", "customer_id": w.customers["stranger"]})],
        wrong("NOT_FOUND", "customerId"),
    ),
    # Fields
    "a field that does not exist": ("owner", customer(nosuch=1), wrong("UNKNOWN_FIELD", "nosuch")),
    "a hidden field": ("owner", customer(custom={}), wrong("UNKNOWN_FIELD", "custom")),
    "a column that is no field": (
        "owner",
        customer(search_text="x"),
        wrong("UNKNOWN_FIELD", "search_text"),
    ),
    "the id as a field": ("owner", customer(id=uuid4()), wrong("UNKNOWN_FIELD", "id")),
    "a derived field": ("owner", customer(phone_e164="+49"), wrong("FORBIDDEN", "phoneE164")),
    "the version as a field": ("owner", update("owner", version=7), wrong("FORBIDDEN", "version")),
    "the time of archiving as a field": (
        "owner",
        update("owner", archived_at=None),
        wrong("FORBIDDEN", "archivedAt"),
    ),
    "a field that is only set at the beginning": (
        "owner",
        lambda w: [
            Change("contact", "update", w.contacts["owner"], values={"customer_id": w.customers["manager"]})
        ],
        wrong("FORBIDDEN", "customerId"),
    ),
    # Values
    "a required field left out": ("owner", create("customer"), wrong("REQUIRED", "name")),
    "a required field of blanks": ("owner", customer(name=" \t\n "), wrong("REQUIRED", "name")),
    "a required field emptied": ("owner", update("owner", name=None), wrong("REQUIRED", "name")),
    "text that is too long": ("owner", customer(name="x" * 201), wrong("TOO_LONG", "name")),
    "no text": ("owner", customer(name=7), wrong("INVALID_TEXT", "name")),
    "no whole number": ("owner", customer(employees="7"), wrong("INVALID_NUMBER", "employees")),
    "yes is no number": ("owner", customer(employees=True), wrong("INVALID_NUMBER", "employees")),
    "a number out of range": ("owner", customer(employees=-1), wrong("OUT_OF_RANGE", "employees")),
    "no choice": ("owner", customer(state="GONE"), wrong("UNKNOWN_VALUE", "state")),
    "one of several choices is none": (
        "owner",
        customer(roles=["BUYER", "KING"]),
        wrong("UNKNOWN_VALUE", "roles"),
    ),
    "no list of choices": ("owner", customer(roles="BUYER"), wrong("INVALID_LIST", "roles")),
    "no e-mail address": ("owner", customer(email="a@b"), wrong("INVALID_EMAIL", "email")),
    "no date": ("owner", customer(founded_on="2024-02-29"), wrong("INVALID_DATE", "foundedOn")),
    "a time is no date": (
        "owner",
        customer(founded_on=datetime(2024, 1, 1)),  # noqa: DTZ001
        wrong("INVALID_DATE", "foundedOn"),
    ),
    "a date beyond the calendar": (
        "owner",
        customer(founded_on=date(9999, 12, 31)),
        wrong("INVALID_DATE", "foundedOn"),
    ),
    "no country": ("owner", customer(country="XX"), wrong("UNKNOWN_VALUE", "country")),
    "no flag": ("owner", customer(direct="yes"), wrong("INVALID_FLAG", "direct")),
    "no colour": ("owner", create("tag", name="A", colour="red"), wrong("INVALID_COLOUR", "colour")),
    "no currency": (
        "owner",
        create("product", number="1", name="A", currency="XXQ"),
        wrong("UNKNOWN_CURRENCY", "currency"),
    ),
    "too precise a number": (
        "owner",
        create("product", number="1", name="A", list_price=Decimal("0.0000001")),
        wrong("TOO_PRECISE", "listPrice"),
    ),
    "no number at all": (
        "owner",
        create("product", number="1", name="A", list_price=Decimal("NaN")),
        wrong("INVALID_NUMBER", "listPrice"),
    ),
    "texts in no language": (
        "owner",
        lambda w: [Change("grade_level", "create", values={"name": {}, "colour": "#000000", "position": 1})],
        [
            ("REQUIRED", ("input", "name")),
            ("REQUIRED", ("input", "schemeId")),
            ("REQUIRED", ("input", "code")),
        ],
    ),
    "everything that is wrong is told at once": (
        "owner",
        customer(name="", employees=-1, state="GONE", nosuch=1),
        [
            ("REQUIRED", ("input", "name")),
            ("OUT_OF_RANGE", ("input", "employees")),
            ("UNKNOWN_VALUE", ("input", "state")),
            ("UNKNOWN_FIELD", ("input", "nosuch")),
        ],
    ),
    # References
    "a reference to nothing": ("owner", customer(owner_id=uuid4()), wrong("NOT_FOUND", "ownerId")),
    "a reference to a record of another kind": (
        "owner",
        lambda w: [Change("customer", "create", values={"name": "X", "owner_id": w.customers["owner"]})],
        wrong("NOT_FOUND", "ownerId"),
    ),
    "no reference": ("owner", customer(owner_id="x"), wrong("NOT_FOUND", "ownerId")),
    "a parent company that one does not see": (
        "representative",
        lambda w: [
            Change(
                "customer",
                "update",
                w.customers["representative"],
                values={"parent_id": w.customers["stranger"]},
            )
        ],
        wrong("NOT_FOUND", "parentId"),
    ),
    # Uniqueness
    "a number that is taken": ("owner", customer(number="C-owner"), wrong("ALREADY_EXISTS", "number")),
    "a number that is taken by a record one does not see": (
        "representative",
        customer(number="C-stranger"),
        wrong("ALREADY_EXISTS", "number"),
    ),
    "a number changed to one that is taken": (
        "owner",
        update("owner", number="C-stranger"),
        wrong("ALREADY_EXISTS", "number"),
    ),
    "one number twice in a batch": (
        "owner",
        lambda w: [
            Change("customer", "create", values={"name": n, "number": "N"}, path=("inputs", i))
            for i, n in enumerate("ABC")
        ],
        [("ALREADY_EXISTS", ("inputs", 1, "number")), ("ALREADY_EXISTS", ("inputs", 2, "number"))],
    ),
    "a restored number that was taken meanwhile": (
        "owner",
        lambda w: [Change("customer", "restore", w.customers["finance"])],
        wrong("ALREADY_EXISTS", "number"),
    ),
    # Versions and life
    "a version that is past": (
        "owner",
        lambda w: [Change("customer", "update", w.customers["owner"], 7, {"name": "X"})],
        wrong("VERSION_CONFLICT", "version"),
    ),
    "a version that is past, archiving": (
        "owner",
        lambda w: [Change("customer", "archive", w.customers["owner"], 7)],
        wrong("VERSION_CONFLICT", "version"),
    ),
    "an archived record is restored first": (
        "owner",
        update("finance", name="X"),
        [("ARCHIVED", IN)],
    ),
    "one record twice in a batch": (
        "owner",
        lambda w: [
            Change("customer", "update", w.customers["owner"], values={"name": n}, path=("inputs", i))
            for i, n in enumerate("AB")
        ],
        [("TWICE", ("inputs", 1))],
    ),
    # Own fields
    "an own field that does not exist": (
        "owner",
        lambda w: [Change("customer", "create", values={"name": "X"}, custom={"nosuch": 1, "must": "x"})],
        [("UNKNOWN_FIELD", ("input", "customFields", "nosuch"))],
    ),
    "an own field of another kind": (
        "owner",
        lambda w: [Change("customer", "create", values={"name": "X"}, custom={"size": "big", "must": "x"})],
        [("INVALID_NUMBER", ("input", "customFields", "size"))],
    ),
    "an own field that is required": (
        "owner",
        lambda w: [Change("customer", "create", values={"name": "X"}, custom={"size": 1})],
        [("REQUIRED", ("input", "customFields", "must"))],
    ),
    "a required own field emptied": (
        "owner",
        lambda w: [Change("customer", "update", w.customers["owner"], custom={"must": None})],
        [("REQUIRED", ("input", "customFields", "must"))],
    ),
    # All or nothing
    "one wrong change of several": (
        "owner",
        lambda w: [
            Change("customer", "create", values={"name": "A"}, path=("inputs", 0)),
            Change("customer", "create", values={"name": ""}, path=("inputs", 1)),
            Change("customer", "create", values={"name": "C"}, path=("inputs", 2)),
        ],
        [("REQUIRED", ("inputs", 1, "name"))],
    ),
    "a later kind of record is wrong": (
        "owner",
        lambda w: [
            Change("customer", "create", values={"name": "A"}),
            Change("customer", "update", w.customers["owner"], values={"name": "B"}),
            Change("contact", "create", values={"name": "C", "customer_id": uuid4()}),
        ],
        wrong("NOT_FOUND", "customerId"),
    ),
}


async def with_own_fields(world: World) -> World:
    """Two own fields, an archived customer whose number another has got."""
    await world.factory.many(
        "custom_field",
        [
            {"record": "customer", "key": "size", "kind": "INTEGER"},
            {"record": "customer", "key": "must", "kind": "TEXT", "required": True},
        ],
    )
    await world.factory.archive("customer", world.customers["finance"])
    await world.factory.change(
        [Change("customer", "create", values={"name": "Heir", "number": "C-finance"}, custom={"must": "x"})]
    )
    return world


@pytest.mark.requirement("A1", "A3", "A4", "A11")
async def test_after_any_refusal_the_company_is_what_it_was(databases, company):
    plain = await make_world(databases, company)
    full = await with_own_fields(await make_world(databases, await make_company(databases, name="Second")))
    full.viewers["owner"] = replace(full.viewers["owner"], custom_fields=await own_fields(full))
    refs = [world.factory.company.ref for world in (plain, full)]
    before = await digests(databases, *refs)
    for name, (person, changes, told) in CASES.items():
        world = full if needs_more(name) else plain
        with pytest.raises(Refused) as refused:
            await world.change(person, *changes(world))
        assert [(error.code, error.path) for error in refused.value.errors] == list(told), name
        assert await digests(databases, *refs) == before, name


def needs_more(name: str) -> bool:
    return "own field" in name or "archived" in name or "restored" in name


async def own_fields(world: World):
    from kedang_tenants.people.viewers import load_custom_fields

    async with world.databases.tenant_read(world.factory.company.ref) as read:
        return await load_custom_fields(read)


@pytest.mark.requirement("A11")
async def test_what_one_may_not_read_one_may_not_write(world):
    viewer = world.viewers["representative"]
    contact = viewer.access["contact"]
    blind = replace(contact, sensitive=MappingProxyType({**contact.sensitive, "phone": Scope.NONE}))
    world.viewers["representative"] = replace(viewer, access={**viewer.access, "contact": blind})
    before = await digests(world.databases, world.factory.company.ref)
    with pytest.raises(Refused) as refused:
        await world.change("representative", *update("representative", "contact", phone="123")(world))
    assert [(e.code, e.path) for e in refused.value.errors] == [("FORBIDDEN", ("input", "phone"))]
    assert await digests(world.databases, world.factory.company.ref) == before


async def test_a_refusal_inside_a_longer_transaction_leaves_what_stood_before_it(world):
    """Whoever catches a refusal goes on with what was written before: the refused change wrote nothing."""
    async with world.databases.tenant_write(world.factory.company.ref) as write:
        viewer, clock = world.viewers["owner"], world.factory.clock
        (made,) = await change(write, viewer, [Change("tag", "create", values={"name": "kept"})], clock=clock)
        with pytest.raises(Refused):
            await change(write, viewer, [Change("tag", "create", values={"name": "kept"})], clock=clock)
    assert (await world.row("tag", made.id))["name"] == "kept"
