"""Whoever leaves leaves everything behind, in hands that know of it (A12)."""

import asyncio
from datetime import date, timedelta

import pytest

from kedang_platform.errors import Forbidden
from kedang_platform.identity import IdentityServices
from kedang_platform.licensing import subscribe
from kedang_tenants.catalogue import ReferenceKind, catalogue
from kedang_tenants.changing import Change
from kedang_tenants.handover import moving
from kedang_tenants.handover.asking import HandoverWish, Share, hand_over
from kedang_tenants.handover.errors import (
    HandoverUnderWay,
    HandoverUnfinished,
    NotInTheirHands,
    SuccessorUnfit,
)
from kedang_tenants.handover.leaving import look_at
from kedang_tenants.handover.signing import sign
from tests.support.members import make_member

pytestmark = pytest.mark.requirement("A12")


class Office:
    """A shop whose people also belong to it on the platform, so that one of them can leave."""

    def __init__(self, shop):
        self.shop = shop
        self.services = IdentityServices.open(shop.databases, shop.settings, shop.clock)

    async def open(self):
        async with self.shop.databases.control() as control:
            await subscribe(control, company_id=self.shop.company.id, free_seats=9, now=self.shop.clock.now())
        sales = await self.shop.create("department", name="Sales")
        self.nancy = await self.hire("Nancy Davolio", "REPRESENTATIVE", department_id=sales)
        self.janet = await self.hire("Janet Leverling", "REPRESENTATIVE", department_id=sales)
        self.steven = await self.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=sales)
        return self

    async def hire(self, name, *roles, **more):
        made = await make_member(
            self.shop.databases, self.shop.company, *roles, name=name, clock=self.shop.clock, **more
        )
        return made.id

    async def customer(self, name, **values):
        return await self.shop.create("customer", name=name, **({"owner_id": self.nancy} | values))

    async def hand_over(self, viewer=None, **wish):
        wish = HandoverWish(**({"member_id": self.nancy, "successor_id": self.janet} | wish))
        return await hand_over(
            self.services, viewer or self.shop.viewer, company=self.shop.company, wish=wish
        )

    async def sign(self, handover, member, side):
        viewer = await self.shop.as_member(member)
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await sign(write, viewer, handover_id=handover, side=side, clock=self.shop.clock)

    async def export(self, member, **values):
        values = {"format": "CSV", "state": "DONE", "started_by_id": member} | values
        (made,) = await self.shop.change(Change("export", "create", values=values), internally=True)
        return made

    async def owners(self, record="customer"):
        rows = await self.shop.fetch(f"SELECT id, owner_id FROM {record} ORDER BY id")
        return {row["id"]: row["owner_id"] for row in rows}

    async def state(self):
        return (
            await self.owners(),
            await self.shop.fetch("SELECT id, state FROM member ORDER BY id"),
            await self.shop.fetch("SELECT * FROM handover"),
            await self.shop.fetch(
                "SELECT id, sequence FROM audit JOIN member ON true ORDER BY sequence LIMIT 1"
            ),
        )


@pytest.fixture
async def office(shop):
    office = await Office(shop).open()
    yield office
    office.services.close()


async def test_everything_goes_over_in_one_step_and_everybody_is_told(office):
    shop = office.shop
    alfki = await office.customer("Alfreds Futterkiste")
    chops = await office.customer("Chop-suey Chinese")
    gone = await office.customer("Closed down")
    await shop.archive("customer", gone)
    others = await office.customer("Blauer See", owner_id=office.steven)
    await shop.create("contact", customer_id=alfki, name="Maria Anders", email="maria@alfki.example")
    plan = await shop.create(
        "follow_up_plan", customer_id=alfki, owner_id=office.nancy, due_on=date(2026, 3, 20)
    )
    elsewhere = await shop.create(
        "follow_up_plan", customer_id=others, owner_id=office.nancy, due_on=date(2026, 3, 21)
    )
    request = await shop.create(
        "service_request", customer_id=chops, kind="COMPLAINT", title="When?", owner_id=office.nancy
    )
    subordinate = await office.hire("Anne Dodsworth", "REPRESENTATIVE")
    await shop.update("member", subordinate, superior_id=office.nancy)
    await shop.work()

    handover = await office.hand_over(
        shares=[Share(office.steven, [chops])], reason="Leaves on Friday", contact_days=5
    )
    await shop.work()

    owners = await office.owners()
    assert (owners[alfki], owners[chops], owners[others]) == (office.janet, office.steven, office.steven)
    assert owners[gone] == office.nancy  # an archived customer keeps its history
    plans = await office.owners("follow_up_plan")
    assert (plans[plan], plans[elsewhere]) == (office.janet, office.steven)
    assert (await office.owners("service_request"))[request] == office.steven
    assert await shop.value("SELECT superior_id FROM member WHERE id = $1", subordinate) is None
    first = await shop.fetch(
        "SELECT customer_id, owner_id, due_on FROM follow_up_plan WHERE purpose = $1 ORDER BY customer_id",
        "First contact after the handover from Nancy Davolio",
    )
    assert [tuple(row.values()) for row in first] == [
        (alfki, office.janet, date(2026, 3, 9)),  # Saturday the 7th is a day off
        (chops, office.steven, date(2026, 3, 9)),
    ]
    (row,) = await shop.fetch("SELECT * FROM handover")
    assert (row["id"], row["state"], row["reason"]) == (handover, "HANDED_OVER", "Leaves on Friday")
    assert (row["customers_moved"], row["plans_moved"], row["requests_moved"], row["others_moved"]) == (
        2,
        2,
        1,
        1,
    )
    told = await shop.fetch(
        "SELECT customer_id, successor_id, told FROM handed_customer ORDER BY customer_id"
    )
    assert [tuple(each.values()) for each in told] == [
        (alfki, office.janet, "TOLD"),
        (chops, office.steven, "NO_ADDRESS"),
    ]
    (mail,) = shop.mails_to("maria@alfki.example")
    assert mail.subject == "Janet Leverling looks after you at Northwind Traders now"
    assert "Janet Leverling has taken over the care of Alfreds Futterkiste from Nancy Davolio." in mail.text
    notices = await shop.fetch("SELECT member_id, title->>'en' AS title FROM notice WHERE kind = 'HANDOVER'")
    assert {(each["member_id"], each["title"]) for each in notices} == {
        (office.janet, "You have taken over from Nancy Davolio: 1"),
        (office.steven, "You have taken over from Nancy Davolio: 1"),
        (office.steven, "The handover of Nancy Davolio waits to be signed for"),
        (shop.viewer.member_id, "The handover of Nancy Davolio waits to be signed for"),
    }


async def test_access_ends_before_anything_is_moved(office):
    await office.customer("Alfreds Futterkiste")
    await office.hand_over()
    (member,) = await office.shop.fetch("SELECT state FROM member WHERE id = $1", office.nancy)
    assert member["state"] == "SUSPENDED"
    assert set((await office.owners()).values()) == {office.nancy}


async def test_a_handover_can_follow_an_earlier_end_of_access_and_moves_nothing_twice(office):
    shop = office.shop
    await office.customer("Alfreds Futterkiste")
    await office.hand_over()
    await shop.work()
    later = await office.customer("Found later")
    await office.hand_over(successor_id=office.steven)
    await shop.work()
    assert (await office.owners())[later] == office.steven
    rows = await shop.fetch("SELECT customers_moved, successor_id FROM handover ORDER BY created_at, id")
    assert sorted(tuple(row.values()) for row in rows) == sorted([(1, office.janet), (1, office.steven)])
    async with shop.databases.tenant_write(shop.company.ref) as write:
        part = await moving.move_part(
            write,
            await shop.product(),
            handover_id=(await shop.value("SELECT id FROM handover LIMIT 1")),
            after=None,
            clock=shop.clock,
        )
    assert (part.seen, part.changed) == (0, 0)


async def test_hundreds_of_customers_go_over_in_steps(office, monkeypatch):
    monkeypatch.setattr(moving, "CHUNK", 4)
    for number in range(10):
        await office.customer(f"Customer {number}")
    await office.hand_over(tell_customers=False)
    await office.shop.work()
    assert set((await office.owners()).values()) == {office.janet}
    told = await office.shop.fetch("SELECT told, count(*) AS n FROM handed_customer GROUP BY told")
    assert [tuple(row.values()) for row in told] == [("NOT_WANTED", 10)]


async def test_who_has_opted_out_is_not_written_to(office):
    shop = office.shop
    alfki = await office.customer("Alfreds Futterkiste")
    maria = await shop.create("contact", customer_id=alfki, name="Maria Anders", email="maria@alfki.example")
    await shop.create(
        "contact_consent",
        contact_id=maria,
        channel="EMAIL",
        purpose="SERVICE",
        decision="OPTED_OUT",
        source="CONVERSATION",
    )
    await office.hand_over()
    await shop.work()
    assert await shop.value("SELECT told FROM handed_customer") == "OPTED_OUT"
    assert shop.mails_to("maria@alfki.example") == []


async def test_a_refused_handover_changes_nothing_and_nobody(office):
    shop = office.shop
    alfki = await office.customer("Alfreds Futterkiste")
    blauer = await office.customer("Blauer See", owner_id=office.steven)
    onlooker = await office.hire("Robert King", "VIEW_ONLY", seat="VIEW_ONLY")
    await shop.work()
    before = await office.state()
    for wish, error, path in (
        ({"successor_id": office.nancy}, SuccessorUnfit, ("successorId",)),
        ({"successor_id": onlooker}, SuccessorUnfit, ("successorId",)),
        ({"shares": [Share(onlooker, [alfki])]}, SuccessorUnfit, ("shares", 0, "memberId")),
        ({"shares": [Share(office.steven, [blauer])]}, NotInTheirHands, ("shares", 0, "customerIds", 0)),
        (
            {"shares": [Share(office.steven, [alfki, alfki])]},
            NotInTheirHands,
            ("shares", 0, "customerIds", 1),
        ),
    ):
        with pytest.raises(error) as refused:
            await office.hand_over(**wish)
        assert refused.value.path == path
    with pytest.raises(Forbidden):
        await office.hand_over(viewer=await shop.as_member(office.steven))
    assert await office.state() == before


async def test_of_two_handovers_at_once_one_runs(office):
    outcomes = await asyncio.gather(office.hand_over(), office.hand_over(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["HandoverUnderWay", "UUID"]
    with pytest.raises(HandoverUnderWay):
        await office.hand_over()


@pytest.mark.parametrize("by_name", [False, True])
async def test_who_still_receives_leaves_when_all_of_it_has_arrived(office, by_name):
    customer = await office.customer("Alfreds")
    if by_name:
        await office.hand_over(successor_id=office.steven, shares=[Share(office.janet, [customer])])
    else:
        await office.hand_over()
    before = await office.state()
    with pytest.raises(HandoverUnderWay):
        await office.hand_over(member_id=office.janet, successor_id=office.shop.viewer.member_id)
    assert await office.state() == before
    await office.shop.work()
    await office.hand_over(member_id=office.janet, successor_id=office.shop.viewer.member_id)
    await office.shop.work()
    assert await office.owners() == {customer: office.shop.viewer.member_id}


async def test_both_sides_sign_and_nobody_else(office):
    shop, owner = office.shop, office.shop.viewer.member_id
    keeper = await office.hire("Laura Callahan", "ARCHIVE_KEEPER")
    handover = await office.hand_over()
    with pytest.raises(HandoverUnfinished):
        await office.sign(handover, keeper, "KEEPER")
    await shop.work()
    for member, side in ((office.janet, "DEPARTMENT"), (keeper, "DEPARTMENT"), (owner, "KEEPER")):
        with pytest.raises(Forbidden):
            await office.sign(handover, member, side)
    await office.sign(handover, office.steven, "DEPARTMENT")
    await office.sign(handover, office.steven, "DEPARTMENT")
    assert await shop.value("SELECT state FROM handover") == "HANDED_OVER"
    await office.sign(handover, keeper, "KEEPER")
    (row,) = await shop.fetch(
        "SELECT state, department_signed_by_id, keeper_signed_by_id, version FROM handover"
    )
    assert (row["state"], row["department_signed_by_id"], row["keeper_signed_by_id"]) == (
        "SIGNED",
        office.steven,
        keeper,
    )


async def test_what_is_not_done_of_contracts_and_meetings_goes_along_and_what_is_stays(office):
    shop = office.shop
    own = await office.customer("Alfreds Futterkiste")
    given = await office.customer("Bottom-Dollar Markets")
    others = await office.customer("Wartian Herkku", owner_id=office.janet)
    now = shop.clock.now()
    for customer in (own, given, others):
        await shop.create(
            "contract", number=customer.hex, title="T", customer_id=customer, owner_id=office.nancy
        )
        await shop.create("demand", title="T", customer_id=customer, owner_id=office.nancy)
        await shop.create(
            "quotation", number=customer.hex, customer_id=customer, owner_id=office.nancy, state="SENT"
        )
        meeting = await shop.create(
            "meeting",
            customer_id=customer,
            organiser_id=office.nancy,
            subject="S",
            starts_at=now,
            ends_at=now,
        )
        for done in (None, now.date()):
            await shop.create(
                "meeting_action",
                meeting_id=meeting,
                task="T",
                owner_id=office.nancy,
                due_on=now.date(),
                done_on=done,
            )
    await office.hand_over(shares=[Share(office.steven, [given])])
    await shop.work()
    to = {own: office.janet, given: office.steven, others: office.janet}
    for record, column in (
        ("contract", "owner_id"),
        ("demand", "owner_id"),
        ("quotation", "owner_id"),
        ("meeting", "organiser_id"),
    ):
        rows = await shop.fetch(f"SELECT customer_id, {column} AS person FROM {record}")
        assert {row["customer_id"]: row["person"] for row in rows} == to
    actions = await shop.fetch(
        "SELECT m.customer_id, a.owner_id, a.done_on FROM meeting_action a JOIN meeting m ON m.id = a.meeting_id"
    )
    assert {(row["customer_id"], row["owner_id"]) for row in actions if row["done_on"] is None} == set(
        to.items()
    )
    assert {row["owner_id"] for row in actions if row["done_on"] is not None} == {office.nancy}


@pytest.mark.requirement("F5")
async def test_daily_reports_that_wait_for_the_leaver_wait_for_the_successor(office):
    shop = office.shop
    anne = await office.hire("Anne Dodsworth", "REPRESENTATIVE")
    days = iter(date(2026, 2, day) for day in range(1, 28))

    async def reported(writer, **values):
        values = {
            "member_id": writer, "day": next(days), "kind": "DAILY", "state": "SUBMITTED",
            "recipient_id": office.nancy, "manager_id": office.steven,
        } | values  # fmt: skip
        return await shop.create("daily_report", internally=True, **values)

    visits = await reported(office.nancy, kind="RETURN_VISIT", recipient_id=office.steven)
    to_gather = await reported(anne)
    gathered = await reported(anne, gathered_in_id=visits)
    read = await reported(anne, manager_id=office.nancy)  # who manages has it and gathers nothing
    of_the_successor = await reported(office.janet)
    urgent = await reported(anne, recipient_id=office.steven, manager_id=office.nancy)
    customer = await office.customer("Alfreds Futterkiste")
    await shop.create(
        "daily_report_card", internally=True, report_id=urgent, customer_id=customer, at=shop.clock.now(),
        urgent=True, settlement="OPEN",
    )  # fmt: skip
    await office.hand_over()
    await shop.work()
    found = await shop.fetch("SELECT id, recipient_id, manager_id FROM daily_report")
    recipients, managers = (
        {row["id"]: row[name] for row in found} for name in ("recipient_id", "manager_id")
    )
    assert recipients == {
        visits: office.steven, to_gather: office.janet, gathered: office.nancy, read: office.nancy,
        of_the_successor: office.nancy, urgent: office.steven,
    }  # fmt: skip
    assert [report for report, manager in managers.items() if manager == office.janet] == [urgent]


async def test_the_exports_of_ninety_days_are_shown(office):
    shop = office.shop
    await office.customer("Alfreds Futterkiste")
    old = await office.export(office.nancy, record="order")
    await office.export(office.nancy, record="customer", rows_done=91)
    await office.export(office.janet, record="customer")
    async with shop.databases.owner() as connection:
        day = shop.clock.now() - timedelta(days=91)
        await connection.execute(
            f'UPDATE "{shop.company.ref.schema}".export SET created_at = $1 WHERE id = $2', day, old
        )
    async with shop.databases.tenant_read(shop.company.ref) as read:
        in_hand, taken = await look_at(read, shop.viewer, member_id=office.nancy, clock=shop.clock)
        with pytest.raises(Forbidden):
            await look_at(read, await shop.as_member(office.steven), member_id=office.nancy, clock=shop.clock)
    assert (in_hand.customers, in_hand.plans, in_hand.subordinates) == (1, 0, 0)
    assert [(each.kind, each.what, each.records) for each in taken] == [("EXPORT", "customer", 91)]


HISTORY = {
    "archive_grant.decided_by_id",
    "bulk_operation.started_by_id",
    "contact_consent.recorded_by_id",
    "export.started_by_id",
    "customer_grade.given_by_id",
    "file.uploaded_by_id",
    "grade_rule.changed_by_id",
    "grade_rule.drafted_by_id",
    "grade_rule.published_by_id",
    "grade_trial.asked_by_id",
    "daily_report.member_id",
    "daily_report.returned_by_id",
    "daily_report_card.settled_by_id",
    "emergency_report.acknowledged_by_id",
    "emergency_report.reporter_id",
    "follow_up_record.member_id",
    "hot_mark.ended_by_id",
    "hot_mark.marked_by_id",
    "import.started_by_id",
    "mail_suppression.put_by_id",
    "follow_up_record.note_taker_id",
    "meeting.minutes_by_id",
    "meeting.reviewed_by_id",
    "meeting_attendee.member_id",
    "minutes_receipt.settled_by_id",
    "visit_form.decided_by_id",
    "visit_form.member_id",
    "order.seller_id",
    "person_request.started_by_id",
    "pool_move.by_id",
    "pool_move.member_id",
    "repair_record.technician_id",
    "report_run.asked_by_id",
    "retention_run.started_by_id",
    "rule_version.approved_by_id",
    "rule_version.drafted_by_id",
    "rule_version.submitted_by_id",
    "service_note.member_id",
    "survey_answer.entered_by_id",
    "survey_link.made_by_id",
    "survey_sending.started_by_id",
}
"""Facts: who did something stays who did it."""
OF_NO_USE_TO_OTHERS = {
    "archive_grant.member_id",  # a right that ends with the access
    "notice.member_id",
    "notice_preference.member_id",
    "notice_schedule.member_id",
    "report_definition.only_member_id",  # whose figures a report tells, not whose report it is
    "report_run.only_member_id",
}
MOVED = {"customer.owner_id", "follow_up_plan.owner_id", "service_request.owner_id", "member.superior_id"}
MOVED |= {f"{record}.{column}" for record, column, _ in (*moving.STILL_OPEN, *moving.WAITING_FOR)}


def test_every_reference_to_a_member_is_handed_over_or_history():
    found = {
        f"{record.name}.{name}"
        for record in catalogue()
        for name, field in record.fields.items()
        if isinstance(field.spec.kind, ReferenceKind) and field.spec.kind.target == "member"
    }
    own = {name for name in found if name.startswith(("handover.", "handed_customer."))}
    approvals = {name for name in found if name.startswith("approval_")}
    table = {f"{record}.{column}" for record, column in (*moving.TO_THE_SUCCESSOR, *moving.ENDED)}
    assert found - own - approvals == HISTORY | OF_NO_USE_TO_OTHERS | MOVED | table
