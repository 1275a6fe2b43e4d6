"""Deputies who come and go, superiors who step in after working days, reminders; flows a company sets."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.approvals.deciding import AlreadyDecided, NotYoursToDecide, OwnRequest
from kedang_tenants.approvals.deputies import WrongDeputy, WrongPeriod, end_deputy
from kedang_tenants.approvals.flows import ROLE, SUPERIOR, Flow, Step
from kedang_tenants.approvals.following import FOLLOW
from kedang_tenants.approvals.setting import set_flow
from tests.approvals.conftest import ALONE, GIFT, HEARD

pytestmark = pytest.mark.requirement("T11")
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 3, 2)


async def morning(firm, day: date) -> None:
    """The job of the morning of a day."""
    firm.shop.clock.instant = datetime(day.year, day.month, day.day, 8, 10, tzinfo=NEW_YORK)
    async with firm.shop.databases.tenant_write(firm.shop.company.ref) as write:
        await enqueue(write, NewJob(FOLLOW, {"date": day.isoformat()}))
    await firm.shop.work()


async def told(firm, name) -> int:
    return await firm.shop.value(
        "SELECT count(*) FROM notice WHERE member_id = $1 AND kind = 'APPROVAL_WAITING'", firm.ids[name]
    )


async def test_a_deputy_decides_in_the_place_of_the_member_and_the_history_says_so(firm):
    request = await firm.ask()
    with pytest.raises(NotFound):
        await firm.decide("callahan", request)
    await firm.deputise("buchanan", "callahan")
    assert await firm.turns(request) == {"buchanan", ("callahan", "buchanan")}
    await firm.decide("callahan", request)
    assert await firm.history(request) == [
        ("ASKED", 1, "davolio"),
        ("APPROVED", 1, "callahan", "buchanan"),
    ]
    assert (HEARD[0].decided_by, HEARD[0].in_place_of) == (firm.ids["callahan"], firm.ids["buchanan"])
    with pytest.raises(AlreadyDecided):
        await firm.decide("buchanan", request)


async def test_a_deputy_stands_in_on_the_days_named_only(firm):
    tuesday = MONDAY + timedelta(days=1)
    request = await firm.ask()
    await firm.deputise("buchanan", "callahan", from_day=tuesday, until_day=tuesday)
    assert await firm.turns(request) == {"buchanan"}
    with pytest.raises(NotFound):
        await firm.decide("callahan", request)
    await morning(firm, tuesday)
    assert await firm.turns(request) == {"buchanan", ("callahan", "buchanan")}
    await morning(firm, tuesday + timedelta(days=1))
    assert await firm.turns(request) == {"buchanan"}
    with pytest.raises(NotYoursToDecide):
        await firm.decide("callahan", request)


async def test_what_a_deputy_may_not_no_deputy_makes_possible(firm):
    # The asker as the deputy of who decides.
    request = await firm.ask("davolio")
    await firm.deputise("buchanan", "davolio")
    assert await firm.turns(request) == {"buchanan"}
    with pytest.raises(OwnRequest):
        await firm.decide("davolio", request)
    # A deputy of somebody whose own request it is.
    await firm.set_flow(Step(by=ROLE, roles=("DEPARTMENT_MANAGER",)))
    own = await firm.ask("buchanan")
    assert await firm.turns(own) == {"leverling"}
    # Deputies of deputies do not decide, nor those without a seat.
    await firm.deputise("buchanan", "callahan")
    await firm.deputise("callahan", "suyama")
    await firm.hire("peacock", "REPRESENTATIVE", seat="VIEW_ONLY")
    await firm.deputise("buchanan", "peacock")
    other = await firm.ask("davolio")
    assert await firm.turns(other) == {"buchanan", ("callahan", "buchanan")}


async def test_a_deputy_of_who_has_lost_the_role_decides_no_more(firm):
    request = await firm.ask(kind=ALONE)
    await firm.deputise("buchanan", "callahan")
    await firm.change_member("buchanan", roles=["REPRESENTATIVE"], superior_id=None)
    with pytest.raises(NotYoursToDecide):
        await firm.decide("callahan", request)
    await firm.shop.work()
    assert await firm.turns(request) == {"leverling"}


async def test_a_deputys_time_ends_at_once_when_it_is_ended(firm):
    request = await firm.ask()
    deputy = await firm.deputise("buchanan", "callahan")
    with pytest.raises(NotFound):
        await firm.act(end_deputy, "suyama", deputy_id=deputy)
    await firm.act(end_deputy, "buchanan", deputy_id=deputy)
    assert await firm.turns(request) == {"buchanan"}
    with pytest.raises(NotFound):
        await firm.act(end_deputy, "buchanan", deputy_id=deputy)


async def test_who_names_whom_and_for_how_long(firm):
    before = await firm.everything()
    with pytest.raises(Forbidden):
        await firm.deputise("suyama", "davolio", member_id=firm.ids["buchanan"])
    await firm.change_member("suyama", roles=["ADMIN"])
    with pytest.raises(Forbidden):  # else an administrator could decide in the place of everybody
        await firm.deputise("suyama", "suyama", member_id=firm.ids["leverling"])
    with pytest.raises(WrongDeputy):
        await firm.deputise("buchanan", "buchanan")
    await firm.change_member("callahan", state="SUSPENDED")
    with pytest.raises(WrongDeputy):
        await firm.deputise("buchanan", "callahan")
    with pytest.raises(NotFound):
        await firm.deputise("buchanan", "suyama", deputy_id=new_id())
    day = timedelta(days=1)
    for first, last in (
        (MONDAY, MONDAY - day),
        (MONDAY - 2 * day, MONDAY - day),
        (MONDAY, MONDAY + 367 * day),
    ):
        with pytest.raises(WrongPeriod):
            await firm.deputise("buchanan", "suyama", from_day=first, until_day=last)
    assert await firm.everything() == before
    await firm.deputise("fuller", "suyama", member_id=firm.ids["leverling"])
    assert await firm.shop.fetch("SELECT member_id, set_by_id FROM approval_deputy") == [
        {"member_id": firm.ids["leverling"], "set_by_id": firm.ids["fuller"]}
    ]


async def test_after_working_days_the_superiors_may_decide_too(firm):
    request = await firm.ask()  # on a Monday
    for day, turns in (
        (MONDAY + timedelta(days=2), {"buchanan"}),
        (MONDAY + timedelta(days=3), {"buchanan", "leverling"}),  # the third working day after
        (MONDAY + timedelta(days=7), {"buchanan", "leverling"}),  # the weekend does not count
        (MONDAY + timedelta(days=8), {"buchanan", "leverling", "fuller"}),
        (MONDAY + timedelta(days=30), {"buchanan", "leverling", "fuller"}),  # nobody is above
    ):
        await morning(firm, day)
        assert await firm.turns(request) == turns, day
    assert await firm.history(request) == [("ASKED", 1, "davolio"), *[("ESCALATED", 1, None)] * 2]
    await firm.decide("fuller", request)
    assert await firm.now(request) == "APPROVED"


async def test_the_companys_calendar_says_which_days_are_working_days(firm):
    await firm.shop.create("calendar_day", day=MONDAY + timedelta(days=3), kind="HOLIDAY")
    request = await firm.ask()
    await morning(firm, MONDAY + timedelta(days=3))
    assert await firm.turns(request) == {"buchanan"}
    await morning(firm, MONDAY + timedelta(days=4))
    assert await firm.turns(request) == {"buchanan", "leverling"}


async def test_it_never_passes_on_to_the_asker(firm):
    await firm.change_member("davolio", superior_id=firm.ids["leverling"])
    await firm.change_member("buchanan", superior_id=firm.ids["davolio"])
    request = await firm.ask("davolio", kind=ALONE)  # by a manager of a department, who stands below
    assert await firm.turns(request) == {"buchanan"}
    await morning(firm, MONDAY + timedelta(days=3))
    assert await firm.turns(request) == {"buchanan", "leverling"}


async def test_those_whose_turn_it_is_are_reminded_once_a_working_day(firm):
    await firm.set_flow(Step(by=SUPERIOR, remind_after=2, escalate_after=None))
    await firm.ask()
    days = [MONDAY + timedelta(days=n) for n in range(9)]
    counts = []
    for day in days:
        await morning(firm, day)
        await morning(firm, day)
        counts.append(await told(firm, "buchanan"))
    #                 Mon Tue Wed Thu Fri Sat Sun Mon Tue
    assert counts == [1, 1, 2, 3, 4, 4, 4, 5, 6]
    assert await firm.history(await firm.shop.value("SELECT id FROM approval_request")) == [
        ("ASKED", 1, "davolio")
    ]


async def test_every_fault_of_a_flow_is_told_by_its_path_and_nothing_is_set(firm):
    before = await firm.everything()

    async def faults(*steps, kind=GIFT, **limits):
        with pytest.raises(Refused) as refused:
            await firm.set_flow(*steps, kind=kind, **limits)
        return [(error.code, error.path[1:]) for error in refused.value.errors]

    fine = Step(by=SUPERIOR)
    assert await faults() == [("WRONG_NUMBER_OF_STEPS", ("steps",))]
    assert await faults(*[fine] * 11) == [("WRONG_NUMBER_OF_STEPS", ("steps",))]
    assert await faults(
        fine,
        Step(by=ROLE),
        Step(by=SUPERIOR, roles=("OWNER",)),
        Step(by=ROLE, roles=("VIEW_ONLY", "FINANCE"), remind_after=0, escalate_after=61, from_amount=-1),
    ) == [
        ("WRONG_ROLES", ("steps", 1, "roles")),
        ("WRONG_ROLES", ("steps", 2, "roles")),
        ("UNKNOWN_VALUE", ("steps", 3, "roles")),
        ("OUT_OF_RANGE", ("steps", 3, "fromAmount")),
        ("OUT_OF_RANGE", ("steps", 3, "remindAfter")),
        ("OUT_OF_RANGE", ("steps", 3, "escalateAfter")),
    ]
    assert await faults(Step(by=SUPERIOR, from_amount=1), kind=ALONE, FINANCE=3) == [
        ("NO_AMOUNTS", ("steps", 0, "fromAmount")),
        ("NO_AMOUNTS", ("limits",)),
    ]
    assert await faults(fine, FINANCE=-1, VIEW_ONLY=None) == [
        ("OUT_OF_RANGE", ("limits", 0, "upTo")),
        ("UNKNOWN_VALUE", ("limits", 1, "role")),
    ]
    assert await firm.everything() == before


async def test_only_owners_and_administrators_set_flows_and_a_stale_one_is_refused(firm):
    flow = Flow(steps=(Step(by=SUPERIOR),))
    before = await firm.everything()
    for name in ("leverling", "buchanan"):
        with pytest.raises(Forbidden):
            await firm.act(set_flow, name, kind=GIFT, flow=flow)
    assert await firm.everything() == before
    await firm.act(set_flow, "fuller", kind=GIFT, flow=flow)
    other = Flow(steps=(Step(by=ROLE, roles=("FINANCE",)),))
    await firm.act(set_flow, "fuller", kind=GIFT, flow=other, version=1)
    with pytest.raises(Refused) as refused:
        await firm.act(set_flow, "fuller", kind=GIFT, flow=flow, version=1)
    assert [error.code for error in refused.value.errors] == ["VERSION_CONFLICT"]
