"""A customer's timeline: everything that happened with it, in one order, for whoever may read it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.portrait.sources import KINDS, SOURCES
from kedang_tenants.reading import Scope
from tests.support.members import viewer_of

ZONE = ZoneInfo("Asia/Shanghai")
TIMELINE = """
query ($id: ID!, $first: Int! = 50, $after: String, $kinds: [TimelineKind!], $member: ID, $from: Date, $to: Date) {
  customerTimeline(
    customerId: $id, first: $first, after: $after, kinds: $kinds, memberId: $member, from: $from, to: $to
  ) {
    nodes { kind at day title summary member { name } recordId record { id __typename } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"""
_numbers = count(1)


@dataclass
class Story:
    """A customer with something of every kind, and what a plain list of it would say."""

    office: Any
    customer: UUID
    members: list[UUID]
    # (moment, kind, record, id, member)
    facts: list[tuple[datetime, str, str, UUID, UUID | None]] = field(default_factory=list)

    async def make(self, record: str, **values: Any) -> UUID:
        return await self.office.factory.one(record, **values)

    def happened(self, when: date | datetime, kind: str, record: str, row: UUID, member: UUID | None = None):
        moment = when if isinstance(when, datetime) else datetime.combine(when, time(), ZONE).astimezone(UTC)
        self.facts.append((moment, kind, record, row, member))


DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 1)]
# Some of them exactly when a day begins in Shanghai, so that days and instants meet.
INSTANTS = [
    datetime(2026, 1, 4, 16, tzinfo=UTC),
    datetime(2026, 1, 5, 16, tzinfo=UTC),
    datetime(2026, 1, 5, 15, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 1, 20, 3, tzinfo=UTC),
]


async def tell_a_story(office, customer: UUID, members: list[UUID], *, times: int, seed: int) -> Story:
    """So many things of each kind, with few different moments, so that many coincide."""
    story, chance = Story(office, customer, members), Random(seed)
    product = await story.make("product", name="Chai")
    contact = await story.make("contact", customer_id=customer, name="Maria Anders")
    questionnaire = await story.make("questionnaire", name={"en": "After delivery", "zh": "收货后"})
    version = await story.make("questionnaire_version", questionnaire_id=questionnaire)
    for _ in range(times):
        await _trade(story, chance)
        await _contact(story, chance, contact)
        await _service(story, chance, product)
        await _agreements(story, chance)
        await _survey(story, chance, questionnaire, version, contact)
    return story


async def _trade(story: Story, chance: Random) -> None:
    day, shipped, seller = chance.choice(DAYS), chance.choice(DAYS), chance.choice(story.members)
    number = next(_numbers)
    order = await story.make(
        "order",
        number=f"O{number}",
        customer_id=story.customer,
        ordered_on=day,
        seller_id=seller,
        currency="CNY",
    )
    story.happened(day, "ORDER", "order", order, seller)
    delivered = max(shipped, chance.choice(DAYS)) if number % 2 else None
    delivery = await story.make(
        "delivery",
        number=f"D{number}",
        order_id=order,
        state="RECEIVED" if delivered else "SHIPPED",
        shipped_on=shipped,
        delivered_on=delivered,
        carrier="SF",
    )
    story.happened(shipped, "SHIPMENT", "delivery", delivery)
    if delivered:
        story.happened(delivered, "DELIVERY", "delivery", delivery)
    await story.make("delivery", number=f"P{number}", order_id=order)  # planned: has not happened


async def _contact(story: Story, chance: Random, contact: UUID) -> None:
    for way in ("CALL", "VISIT", "FAX"):
        at, member = chance.choice(INSTANTS), chance.choice(story.members)
        record = await story.make(
            "follow_up_record",
            customer_id=story.customer,
            at=at,
            way=way,
            member_id=member,
            contact_id=contact,
        )
        story.happened(at, way, "follow_up_record", record, member)


async def _service(story: Story, chance: Random, product: UUID) -> None:
    opened, solved, owner = chance.choice(INSTANTS), chance.choice(INSTANTS), chance.choice(story.members)
    request = await story.make(
        "service_request",
        customer_id=story.customer,
        kind="REPAIR",
        title="It hums",
        owner_id=owner,
        opened_at=opened,
        solved_at=solved,
        state="SOLVED",
    )
    story.happened(opened, "REQUEST_OPENED", "service_request", request, owner)
    story.happened(solved, "REQUEST_SOLVED", "service_request", request, owner)
    for kind in ("TO_CUSTOMER", "FROM_CUSTOMER", "INTERNAL"):
        at, member = chance.choice(INSTANTS), chance.choice(story.members)
        note = await story.make(
            "service_note", request_id=request, at=at, kind=kind, text="Hm", member_id=member
        )
        if kind != "INTERNAL":
            story.happened(at, f"NOTE_{kind}", "service_note", note, member)
    day = chance.choice(DAYS)
    repair = await story.make(
        "repair_record",
        customer_id=story.customer,
        product_id=product,
        fault="Hums",
        repaired_on=day,
        technician_id=owner,
    )
    story.happened(day, "REPAIR", "repair_record", repair, owner)


async def _agreements(story: Story, chance: Random) -> None:
    signed, member = chance.choice(DAYS), chance.choice(story.members)
    contract = await story.make(
        "contract",
        number=f"C{next(_numbers)}",
        title="Supply",
        customer_id=story.customer,
        owner_id=member,
        state="TERMINATED",
        signed_on=signed,
        starts_on=signed,
        terminated_on=signed,
    )
    story.happened(signed, "CONTRACT_SIGNED", "contract", contract, member)
    story.happened(signed, "CONTRACT_TERMINATED", "contract", contract, member)
    at, member = chance.choice(INSTANTS), chance.choice(story.members)
    held = {"customer_id": story.customer, "organiser_id": member, "starts_at": at, "ends_at": at}
    meeting = await story.make("meeting", **held, minutes="Prices", minutes_state="WRITTEN")
    story.happened(at, "MEETING_HELD", "meeting", meeting, member)
    await story.make("meeting", **held)  # without minutes: nobody has said that it took place


async def _survey(story: Story, chance: Random, questionnaire: UUID, version: UUID, contact: UUID) -> None:
    asked = {"questionnaire_id": questionnaire, "version_id": version, "customer_id": story.customer}
    sent, handed_in = chance.choice(INSTANTS), chance.choice(INSTANTS)
    invitation = await story.make(
        "survey_invitation",
        **asked,
        contact_id=contact,
        state="ANSWERED",
        sent_at=sent,
        occasion=str(next(_numbers)),
    )
    story.happened(sent, "SURVEY_SENT", "survey_invitation", invitation)
    answer = await story.make(
        "survey_answer", **asked, invitation_id=invitation, state="SUBMITTED", submitted_at=handed_in, nps=9
    )
    story.happened(handed_in, "SURVEY_ANSWERED", "survey_answer", answer)


def public(record: str, row: UUID) -> str:
    return f"{catalogue().record(record).prefix}_{row.hex}"


def source_of(kind: str, record: str) -> str:
    return next(source.name for source in SOURCES if kind in source.kinds and source.record == record)


async def page(ask, story: Story, **variables: Any) -> Any:
    answer = await ask(TIMELINE, {"id": public("customer", story.customer), **variables})
    return answer.data["customerTimeline"]


async def whole(ask, story: Story, first: int, **variables: Any) -> list[Any]:
    """All pages one after the other."""
    nodes: list[Any] = []
    after = None
    while True:
        part = await page(ask, story, first=first, after=after, **variables)
        assert part["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert len(part["nodes"]) == first or not part["pageInfo"]["hasNextPage"]
        nodes += part["nodes"]
        if not part["pageInfo"]["hasNextPage"]:
            return nodes
        after = part["pageInfo"]["endCursor"]


async def readable(story: Story, member) -> set[tuple[str, UUID]]:
    """The records that a member sees, asked one by one of the rows by plain rules of the policy."""
    viewer = await viewer_of(story.office.factory.databases, member)
    seen = set()
    async with story.office.factory.databases.tenant_read(story.office.factory.company.ref) as read:
        owner = await read.fetchval("SELECT owner_id FROM customer WHERE id = $1", story.customer)
        for _, _, record, row, _ in story.facts:
            access = viewer.on(record)
            scope = max(access.names, access.read)
            owners = [owner] if catalogue().record(record).owner[:1] != ("owner_id",) else []
            if record in {"service_request", "repair_record", "service_note", "contract", "meeting"}:
                owners = [owner, await _own_owner(read, record, row)]
            reached = {
                Scope.NONE: (),
                Scope.OWN: (member.id,),
                Scope.DEPARTMENT: (*viewer.department_members, member.id),
            }
            if scope is Scope.ALL or any(one in reached[scope] for one in owners):
                seen.add((record, row))
    return seen


async def _own_owner(read, record: str, row: UUID) -> UUID | None:
    sql = {
        "service_request": "SELECT owner_id FROM service_request WHERE id = $1",
        "repair_record": "SELECT technician_id FROM repair_record WHERE id = $1",
        "contract": "SELECT owner_id FROM contract WHERE id = $1",
        "meeting": "SELECT organiser_id FROM meeting WHERE id = $1",
        "service_note": "SELECT owner_id FROM service_request"
        " WHERE id = (SELECT request_id FROM service_note WHERE id = $1)",
    }
    return await read.fetchval(sql[record], row)


def expected(story: Story, seen: set[tuple[str, UUID]], **asked: Any) -> list[tuple[str, str, str | None]]:
    """The facts as a plain merge would show them: latest first, then by source and id."""
    chosen = []
    for moment, kind, record, row, member in story.facts:
        day = moment.astimezone(ZONE).date()
        if (
            (record, row) in seen
            and ("kinds" not in asked or kind in asked["kinds"])
            and ("member" not in asked or member == asked["member"])
            and ("start" not in asked or day >= asked["start"])
            and ("end" not in asked or day < asked["end"])
        ):
            chosen.append((moment, source_of(kind, record), row, kind, record))
    chosen.sort(key=lambda fact: fact[:3], reverse=True)
    return [(kind, public(record, row)) for _, _, row, kind, record in chosen]


def shown(nodes: list[Any]) -> list[tuple[str, str]]:
    return [
        (node["kind"], node["recordId"])
        for node in nodes
        if node["kind"] not in {"ARCHIVE_OPENED", "OWNER_CHANGED"}
    ]


@pytest.fixture
async def told(office):
    """The customer of a representative, with three of everything."""
    nancy, ask = await office.hire("REPRESENTATIVE", name="Nancy Davolio")
    janet, _ = await office.hire("REPRESENTATIVE", name="Janet Leverling")
    customer = await office.factory.one("customer", name="Alfreds Futterkiste", owner_id=nancy.id)
    other = await office.factory.one("customer", name="Another", owner_id=nancy.id)
    story = await tell_a_story(office, customer, [nancy.id, janet.id], times=3, seed=1)
    await tell_a_story(office, other, [nancy.id], times=1, seed=2)
    return story, nancy, janet, ask


@pytest.mark.requirement("A21")
async def test_pages_of_any_size_are_the_whole_timeline_in_order(office, told):
    story, nancy, _, ask_nancy = told
    owner, ask_owner = await office.hire("OWNER")
    for member, ask in ((owner, ask_owner), (nancy, ask_nancy)):
        facts = expected(story, await readable(story, member))
        assert len(facts) > 30
        for first in (1, 2, 3, 7, 100):
            nodes = await whole(ask, story, first)
            assert shown(nodes) == facts, first
            assert nodes[0]["kind"] == "ARCHIVE_OPENED", "it was entered today"
        everything = await page(ask, story, first=100)
        for node in everything["nodes"]:
            assert node["record"] == {"id": node["recordId"], "__typename": node["record"]["__typename"]}
            moment = node["at"] and datetime.fromisoformat(node["at"])
            assert moment is None or moment.astimezone(ZONE).date().isoformat() == node["day"]


@pytest.mark.requirement("A21", "A11")
async def test_each_role_sees_what_it_may_read_and_nothing_else(office, told):
    story, *_ = told
    for role in (
        "ADMIN", "GENERAL_MANAGER", "DEPARTMENT_MANAGER", "SERVICE_AGENT", "FINANCE", "ARCHIVE_KEEPER", "MARKETER",
        "VIEW_ONLY",
    ):  # fmt: skip
        member, ask = await office.hire(role)
        seen = await readable(story, member)
        if role == "VIEW_ONLY":  # knows of surveys, but not who answered
            seen = {(record, row) for record, row in seen if not record.startswith("survey_")}
        nodes = await whole(ask, story, 10)
        assert shown(nodes) == expected(story, seen), role
    stranger = await office.ask("REPRESENTATIVE", elsewhere=True)
    assert await page(stranger, story) is None
    colleague = await office.ask("REPRESENTATIVE")
    told_colleague = await page(colleague, story)
    kinds = {node["kind"] for node in told_colleague["nodes"]}
    assert kinds <= {"ARCHIVE_OPENED"}, "sees its name, and not what was sold"


@pytest.mark.requirement("A21")
async def test_it_is_asked_for_by_kind_person_and_period(office, told):
    story, nancy, janet, _ = told
    owner, ask = await office.hire("OWNER")
    seen = await readable(story, owner)
    for kinds in (["CALL"], ["CALL", "FAX", "ORDER"], ["REQUEST_SOLVED", "SURVEY_ANSWERED"], ["LETTER"], []):
        assert shown(await whole(ask, story, 4, kinds=kinds)) == expected(story, seen, kinds=kinds), kinds
    for member in (nancy, janet):
        asked = await whole(ask, story, 5, member=public("member", member.id))
        assert shown(asked) == expected(story, seen, member=member.id)
        assert {node["member"]["name"] for node in asked} == {
            "Nancy Davolio" if member is nancy else "Janet Leverling"
        }
    for start, end in (
        (date(2026, 1, 5), date(2026, 1, 6)),
        (date(2026, 1, 6), date(2026, 1, 6)),
        (date(2026, 1, 6), None),
        (None, date(2026, 1, 6)),
        (date(2025, 1, 1), date(2027, 1, 1)),
    ):
        days = {"from": start and start.isoformat(), "to": end and end.isoformat()}
        period = {name: day for name, day in (("start", start), ("end", end)) if day}
        assert shown(await whole(ask, story, 3, **days)) == expected(story, seen, **period), (start, end)
    both = await whole(ask, story, 2, kinds=["VISIT"], member=public("member", janet.id))
    assert shown(both) == expected(story, seen, kinds={"VISIT"}, member=janet.id)


@pytest.mark.requirement("A21")
async def test_every_kind_is_told_in_the_askers_language(office):
    make = office.factory
    owner, ask = await office.hire("OWNER", name="Andrew Fuller")
    nancy, _ = await office.hire("REPRESENTATIVE", name="Nancy Davolio")
    customer = await make.one("customer", name="Alfreds Futterkiste", owner_id=owner.id)
    contact = await make.one("contact", customer_id=customer, name="Maria Anders")
    product = await make.one("product", name="Chai")
    order = await make.one(
        "order",
        number="10643",
        customer_id=customer,
        ordered_on=date(2026, 1, 5),
        currency="CNY",
        seller_id=nancy.id,
    )
    await make.one(
        "order_line", order_id=order, product_id=product, quantity=Decimal(3), unit_price=Decimal("411.5")
    )
    await make.one(
        "order",
        number="10692",
        customer_id=customer,
        ordered_on=date(2026, 1, 4),
        state="CANCELLED",
        currency="CNY",
    )
    await make.one(
        "contract", number="C1", title="Supply of tea", customer_id=customer, state="TERMINATED",
        signed_on=date(2026, 1, 1), starts_on=date(2026, 1, 1), terminated_on=date(2026, 1, 3), termination_reason="Sold",
    )  # fmt: skip
    await make.one(
        "meeting", customer_id=customer, subject="Prices", starts_at=datetime(2026, 1, 2, 2, tzinfo=UTC),
        ends_at=datetime(2026, 1, 2, 4, tzinfo=UTC), minutes="Long", decisions="10 % off", minutes_state="WRITTEN",
    )  # fmt: skip
    await make.one(
        "delivery", number="D1", order_id=order, state="RECEIVED", shipped_on=date(2026, 1, 6),
        delivered_on=date(2026, 1, 8), carrier="Speedy Express",
    )  # fmt: skip
    scheme = await make.one("grade_scheme", name="Sales")
    level = await make.one(
        "grade_level", scheme_id=scheme, code="A", name={"en": "Best", "zh": "最优"}, position=1
    )
    at = datetime(2026, 1, 9, 4, tzinfo=UTC)
    hours = (at + timedelta(hours=n) for n in count())
    await make.one(
        "customer_grade", customer_id=customer, scheme_id=scheme, level_id=level, graded_at=next(hours),
        explanation={"en": "Sold 10", "zh": "卖出十"},
    )  # fmt: skip
    follow_up = {"customer_id": customer, "member_id": nancy.id}
    for more in (
        {
            "way": "CALL",
            "contact_id": contact,
            "duration_minutes": 12,
            "content": "Asked for the price",
            "result": "x",
        },
        {"way": "VISIT", "contact_id": contact, "result": "Will buy"},
        {"way": "CALL", "duration_minutes": 3},
        {"way": "LETTER"},
        {"way": "CALL", "contact_id": contact, "reached": False},
    ):
        await make.one("follow_up_record", at=next(hours), **follow_up, **more)
    request = await make.one(
        "service_request", customer_id=customer, kind="COMPLAINT", title="It hums", description="Loudly",
        owner_id=nancy.id, state="CLOSED", opened_at=next(hours), solved_at=next(hours), closed_at=next(hours),
        result="Cushioned",
    )  # fmt: skip
    for kind in ("TO_CUSTOMER", "FROM_CUSTOMER"):
        await make.one("service_note", request_id=request, at=next(hours), kind=kind, text="x" * 600)
    await make.one(
        "repair_record", customer_id=customer, product_id=product, serial_number="S-7", fault="Hums",
        work_done="Cushion", repaired_on=date(2026, 1, 20),
    )  # fmt: skip
    await make.one(
        "repair_record", customer_id=customer, product_id=product, fault="Hums", repaired_on=date(2026, 1, 21)
    )
    questionnaire = await make.one("questionnaire", name={"en": "After service", "zh": "服务后"})
    asked = {"customer_id": customer, "questionnaire_id": questionnaire}
    asked["version_id"] = await make.one("questionnaire_version", questionnaire_id=questionnaire)
    for n, (more, answer) in enumerate(
        (
            ({"contact_id": contact}, {"satisfaction": Decimal("4.333333"), "nps": 9}),
            ({}, {}),
        )
    ):
        sent = await make.one(
            "survey_invitation", **asked, **more, occasion=f"o{n}", sent_at=next(hours), state="ANSWERED"
        )
        await make.one(
            "survey_answer",
            **asked,
            invitation_id=sent,
            submitted_at=next(hours),
            state="SUBMITTED",
            **answer,
        )
    file = {"attached_to": public("customer", customer), "kind": "PDF", "uploaded_by_id": nancy.id}
    await make.one("file", **file, name="contract.pdf", state="STORED")
    await make.one("file", **file, name="awaited.pdf", state="PENDING")
    await make.update("customer", customer, owner_id=nancy.id)
    await make.update("customer", customer, owner_id=None)
    await make.update("customer", customer, owner_id=owner.id)

    answer = await ask(TIMELINE, {"id": public("customer", customer), "first": 100})
    told = [(n["kind"], n["title"], n["summary"]) for n in answer.data["customerTimeline"]["nodes"]]
    number = await _number(office, request)
    long = "x" * 499 + "…"
    assert told == [
        ("OWNER_CHANGED", "Handed to Andrew Fuller", None),
        ("OWNER_CHANGED", "Without an owner", None),
        ("OWNER_CHANGED", "Handed from Andrew Fuller to Nancy Davolio", None),
        ("FILE", "File contract.pdf", None),
        ("ARCHIVE_OPENED", "Archive opened", None),
        ("REPAIR", "Repair of Chai", "Hums"),
        ("REPAIR", "Repair of Chai, serial number S-7", "Cushion"),
        ("SURVEY_ANSWERED", "Survey “After service” answered", None),
        ("SURVEY_SENT", "Survey “After service” sent", None),
        (
            "SURVEY_ANSWERED",
            "Survey “After service” answered: satisfaction 4.33 of 5",
            "Would recommend us: 9 of 10",
        ),
        ("SURVEY_SENT", "Survey “After service” sent to Maria Anders", None),
        ("NOTE_FROM_CUSTOMER", f"Heard from the customer about service request {number}", long),
        ("NOTE_TO_CUSTOMER", f"Written to the customer about service request {number}", long),
        ("REQUEST_CLOSED", f"Service request {number} closed: It hums", "Cushioned"),
        ("REQUEST_SOLVED", f"Service request {number} solved: It hums", "Cushioned"),
        ("REQUEST_OPENED", f"Service request {number} opened: It hums", "Loudly"),
        ("CALL", "Call: nobody was reached", None),
        ("LETTER", "Letter", None),
        ("CALL", "Call, 3 minutes", None),
        ("VISIT", "Visit with Maria Anders", "Will buy"),
        ("CALL", "Call with Maria Anders, 12 minutes", "Asked for the price"),
        ("GRADE", "Graded Best by “Sales”", "Sold 10"),
        ("DELIVERY", "Delivery D1 of order 10643 received", None),
        ("SHIPMENT", "Delivery D1 of order 10643 shipped", "Speedy Express"),
        ("ORDER", "Order 10643 for 1,234.50 CNY", None),
        ("ORDER", "Order 10692, cancelled", None),
        ("CONTRACT_TERMINATED", "Contract C1 terminated: Supply of tea", "Sold"),
        ("MEETING_HELD", "Meeting: Prices", "10 % off"),
        ("CONTRACT_SIGNED", "Contract C1 signed: Supply of tea", None),
    ]
    assert {kind for kind, _, _ in told} | {"EMAIL", "MESSAGE", "FAX", "MEETING", "ONLINE"} == {
        k.code for k in KINDS
    }
    chinese = office.gateway.client(ask.http.headers["authorization"].removeprefix("Bearer "), "zh-CN")
    answer = await chinese(TIMELINE, {"id": public("customer", customer), "kinds": ["GRADE", "SURVEY_SENT"]})
    nodes = answer.data["customerTimeline"]["nodes"]
    assert [("服务后" in node["title"]) for node in nodes] == [True, True, False]
    assert (nodes[2]["summary"], "最优" in nodes[2]["title"]) == ("卖出十", True)


async def _number(office, request: UUID) -> str:
    async with office.factory.databases.tenant_read(office.factory.company.ref) as read:
        return await read.fetchval("SELECT number FROM service_request WHERE id = $1", request)


async def test_owners_that_change_at_one_moment_are_all_told_page_by_page(office):
    """Several changes of one transaction have one time: they stand in the order in which they were made."""
    ask = await office.ask("OWNER")
    names = ["Ann", "Ben", "Cy", "Di"]
    members = [(await office.hire("REPRESENTATIVE", name=name))[0].id for name in names]
    customer = await office.factory.one("customer", name="Handed on", owner_id=members[0])
    async with office.factory.databases.tenant_write(office.factory.company.ref) as write:
        viewer = await system_viewer(write, company=office.factory.company)
        for member in members[1:]:
            await change(
                write,
                viewer,
                [Change("customer", "update", customer, values={"owner_id": member})],
                clock=office.factory.clock,
            )
    story = Story(office, customer, members)
    nodes = await whole(ask, story, 1, kinds=["OWNER_CHANGED"])
    assert [node["title"] for node in nodes] == [
        "Handed from Cy to Di",
        "Handed from Ben to Cy",
        "Handed from Ann to Ben",
    ]


async def test_a_new_customer_has_only_its_opening(office):
    ask = await office.ask("OWNER")
    customer = await office.factory.one("customer", name="New")
    answer = await page(ask, Story(office, customer, []))
    assert [node["kind"] for node in answer["nodes"]] == ["ARCHIVE_OPENED"]
    assert answer["pageInfo"]["hasNextPage"] is False
    nothing = await page(ask, Story(office, customer, []), kinds=["ORDER"])
    assert nothing == {
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None},
    }


async def test_what_was_archived_is_gone_and_an_archived_customer_keeps_its_timeline(office, told):
    story, *_ = told
    ask = await office.ask("OWNER")
    calls = await whole(ask, story, 50, kinds=["CALL"])
    await office.factory.archive("follow_up_record", UUID(hex=calls[0]["recordId"].partition("_")[2]))
    assert await whole(ask, story, 50, kinds=["CALL"]) == calls[1:]
    orders = await whole(ask, story, 50, kinds=["ORDER"])
    shipped = await whole(ask, story, 50, kinds=["SHIPMENT"])
    await office.factory.archive("order", UUID(hex=orders[0]["recordId"].partition("_")[2]))
    assert await whole(ask, story, 50, kinds=["ORDER"]) == orders[1:]
    left = await whole(ask, story, 50, kinds=["SHIPMENT"])
    assert len(left) == len(shipped) - 1, "its delivery went with it"
    await office.factory.archive("customer", story.customer)
    kinds = ["CALL", "ARCHIVE_OPENED"]
    left = await whole(ask, story, 50, kinds=kinds)
    assert [node["kind"] for node in left] == ["ARCHIVE_OPENED", *["CALL"] * len(calls[1:])]


@pytest.mark.requirement("T1")
async def test_another_companys_customer_has_no_timeline(open_office, two_companies):
    own, other = [await open_office(company) for company in two_companies]
    customer = await other.factory.one("customer", name="Rival's")
    story = Story(other, customer, [])
    assert await page(await own.ask("OWNER"), story) is None
    assert len((await page(await other.ask("OWNER"), story))["nodes"]) == 1


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"first": 101}, "BAD_USER_INPUT"), ({"first": -1}, "BAD_USER_INPUT"), ({"after": "x"}, "BAD_CURSOR"),
        ({"after": "WyJ0aW1lbGluZSIsW11d"}, "BAD_CURSOR"), ({"from": "9999-12-31"}, "BAD_USER_INPUT"),
        ({"to": "0001-01-01"}, "BAD_USER_INPUT"), ({"member": f"mem_{'0' * 32}"}, "NOT_FOUND"),
        ({"member": "x"}, "NOT_FOUND"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(office, variables, code):
    ask = await office.ask("OWNER")
    customer = await office.factory.one("customer")
    answer = await ask(TIMELINE, {"id": public("customer", customer), **variables})
    assert (answer.codes, answer.body["data"]) == ([code], {"customerTimeline": None})


async def test_ids_of_other_things_have_no_timeline(office):
    ask = await office.ask("OWNER")
    for wrong in ("x", "cus_" + "0" * 32, public("tag", await office.factory.one("tag"))):
        answer = await ask(TIMELINE, {"id": wrong})
        assert answer.data == {"customerTimeline": None}


async def test_a_page_takes_the_same_statements_wherever_it_lies(office, told, monkeypatch):
    story, *_ = told
    ask = await office.ask("OWNER")
    statements = []
    fetch = TenantRead.fetch

    async def counted(self, sql, *args):
        statements.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(TenantRead, "fetch", counted)
    after = None
    counts = []
    for _ in range(6):
        statements.clear()
        part = await page(ask, story, first=5, after=after)
        after = part["pageInfo"]["endCursor"]
        kinds = {node["record"]["__typename"] for node in part["nodes"]}
        # The customer, the merge, what is told of each kind of entry, and each kind of record and members again.
        counts.append(len(statements) - 2 * len(kinds))
    assert max(counts) <= 6
